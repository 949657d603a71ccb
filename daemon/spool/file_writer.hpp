#pragma once
/// The SpoolWriter of one file. Owns the file's descriptor; one thread at a time.

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>

#include "common/unique_fd.hpp"
#include "daemon/spool/compaction.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

class FileWriter final : public SpoolWriter {
  public:
    /// `fd` is of a new, empty file at `path`. The common limit outlives the writer and may change;
    /// one of its own stands in for it.
    FileWriter(UniqueFd fd,
               std::filesystem::path path,
               const std::atomic<std::uint64_t>& bytes_max,
               std::optional<std::uint64_t> own_bytes_max = {})
        : fd_(std::move(fd)),
          path_(std::move(path)),
          bytes_max_(bytes_max),
          own_bytes_max_(own_bytes_max) {}

    Result<Done> append(const OutputBatch& batch) override;
    /// At most once.
    Result<Done> append_gap(std::int64_t at_ns, std::uint64_t missing, bool may_be_more);
    [[nodiscard]] const SpoolSummary& holds() const { return holds_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::uint64_t bytes_seen() const override { return holds_.bytes_seen(); }

  private:
    /// Writes `buffer_`: all or nothing.
    Result<Done> write_records();
    /// Makes the file smaller, to the limit.
    Result<Done> make_room(std::uint64_t limit);

    UniqueFd fd_;
    std::filesystem::path path_;
    const std::atomic<std::uint64_t>& bytes_max_;
    const std::optional<std::uint64_t> own_bytes_max_;
    SpoolSummary holds_;
    std::string buffer_;  ///< kept for its capacity
};

}  // namespace scheduler
