#pragma once
/// Compaction: how an output that is over the limit is made smaller. The first bytes and the newest
/// ones are kept; one gap between them says how many are missing. Pure but for the two files; any
/// thread.

#include <cstdint>
#include <filesystem>

#include "common/result.hpp"

namespace scheduler {

/// What a spool file holds.
struct SpoolSummary {
    std::uint64_t bytes_kept = 0;     ///< of output
    std::uint64_t bytes_missing = 0;  ///< said by the gap
    std::uint64_t head_bytes = 0;     ///< kept before the gap; all where there is none
    bool has_gap = false;             ///< there is one at most
    bool may_miss_more = false;       ///< the gap says so
    std::int64_t last_at_ns = 0;      ///< the newest time of a record
    std::uint64_t file_bytes = 0;     ///< of complete records; behind them is what a crash tore

    [[nodiscard]] std::uint64_t bytes_seen() const { return bytes_kept + bytes_missing; }
};

/// Errors: internal.
Result<SpoolSummary> summarize(int fd, const std::filesystem::path& path);

/// Writes the file's records to `to`, with at most `bytes_max` bytes of output. What it then holds.
/// Errors: disk_full, internal.
Result<SpoolSummary> compact(int from,
                             const SpoolSummary& summary,
                             std::uint64_t bytes_max,
                             int to,
                             const std::filesystem::path& to_path);

}  // namespace scheduler
