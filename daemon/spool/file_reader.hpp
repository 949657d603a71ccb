#pragma once
/// The SpoolReader of one attempt. Owns its descriptor. When it comes to the end of a file that has
/// been replaced since (compacted, begun anew, made final), it goes on in the new one at the same
/// place.

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/unique_fd.hpp"
#include "daemon/spool/record.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

class FileReader final : public SpoolReader {
  public:
    FileReader(std::filesystem::path final_path, std::filesystem::path part_path)
        : final_path_(std::move(final_path)), part_path_(std::move(part_path)) {}

    Result<std::optional<SpoolRecord>> next() override;

  private:
    /// The next record of the open file, without what was given out before.
    Result<std::optional<SpoolRecord>> next_here();
    /// Opens what there is now; false when there is nothing.
    Result<bool> open();
    [[nodiscard]] bool is_replaced() const;

    std::filesystem::path final_path_;
    std::filesystem::path part_path_;
    UniqueFd fd_;
    bool is_final_ = false;
    std::optional<RecordCursor> cursor_;
    std::uint64_t file_place_ = 0;   ///< of the cursor, in bytes of output
    std::uint64_t given_place_ = 0;  ///< up to here it was given out
    bool has_told_open_gap_ = false;
};

}  // namespace scheduler
