#pragma once
/// The records of a spool file: their bytes, and a cursor that reads them one after the other.

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

constexpr std::size_t record_header_bytes = 13;
/// Longer appends become several records; a longer length in a file is damage.
constexpr std::size_t record_payload_max = std::size_t{1024} * 1024;

/// Bytes of output that a record stands for: its own, or those missing.
std::uint64_t output_bytes(const SpoolRecord& record);

/// Appends a record as it stands in the file.
void encode_record(std::string& to, LogStream stream, std::int64_t at_ns, std::string_view payload);
void encode_gap(std::string& to, std::int64_t at_ns, std::uint64_t missing, bool may_be_more);

/// Reads a file's records in order. Does not own the descriptor. One thread at a time.
class RecordCursor {
  public:
    RecordCursor(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

    enum class State {
        record,   ///< there was one
        end,      ///< nothing more, or one that is not all there (yet)
        damaged,  ///< no record can look like this; what a lost write leaves after a crash
    };
    /// The next record, or why there is none; then asking again looks at the same place. Errors:
    /// internal.
    Result<State> next(SpoolRecord& record);

    /// Where the last complete record ends.
    [[nodiscard]] std::uint64_t offset() const { return offset_; }

  private:
    static constexpr std::size_t read_bytes = std::size_t{64} * 1024;

    /// Has `size` bytes from `offset_` on at hand; false when the file ends before.
    Result<bool> fill(std::size_t size);

    int fd_;
    std::filesystem::path path_;
    std::uint64_t offset_ = 0;
    std::unique_ptr<char[]> buffer_;  ///< not zeroed: many files have less than one read
    std::size_t capacity_ = 0;        ///< of the buffer
    std::size_t filled_ = 0;          ///< of the buffer: bytes of the file
    std::size_t used_ = 0;            ///< of these: what was given out
};

}  // namespace scheduler
