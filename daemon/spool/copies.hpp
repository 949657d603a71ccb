#pragma once
/// The copies of one attempt's output that commit makes the final file from. The engine may have
/// dropped the beginning before the output was read at its end, and a copy that was followed may
/// lack the end: then the beginning of the one and the end of the other are kept, with a gap
/// between them. Blocking; any thread.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/spool/compaction.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

struct SpoolCopy {
    std::filesystem::path path;
    UniqueFd fd;
    SpoolSummary holds;
};

struct SpoolCopies {
    std::optional<SpoolCopy> last;   ///< an earlier final file
    std::optional<SpoolCopy> whole;  ///< read at the end
    std::optional<SpoolCopy> part;   ///< followed
    std::optional<SpoolCopy> head;   ///< followed before that
};

/// Nothing where there is no such file. Errors: internal.
Result<std::optional<SpoolCopy>> look_at(std::filesystem::path path);

/// The one to keep, or a new one at `joined_path`; nothing where there is none. Errors: disk_full,
/// internal.
Result<std::optional<SpoolCopy>> best_of(SpoolCopies copies,
                                         Spool::Whole whole,
                                         const std::filesystem::path& joined_path,
                                         const std::atomic<std::uint64_t>& bytes_max);

}  // namespace scheduler
