#pragma once
/// Makes a copy of a backup fit to go on as a daemon's database of its own: it may never run again
/// what the original ran after the backup. Offline, on the main thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/ids.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

namespace scheduler {

struct RestoreOptions {
    TimePoint now{};
    std::string instance;     ///< the new one: containers of the original are not this daemon's
    bool run_missed = false;  ///< jobs that are due by now stay scheduled
    /// Whether output of the attempts 1 to `attempts` is there.
    std::function<bool(JobId, int attempts)> has_output = [](JobId, int) { return true; };
};

struct RestoreReport {
    std::int64_t jobs = 0;
    std::int64_t scheduled = 0;  ///< after the restore
    std::int64_t lost = 0;       ///< they were running at the backup
    std::int64_t missed = 0;     ///< due by now
    std::int64_t bare = 0;       ///< they printed something, and it is not there
};

/// In one transaction, and checked whole before it. `database` is the copy, `file` what messages
/// call it. In force afterwards:
///   - running jobs are lost: how they ended only the original knows
///   - jobs that are due by now did not run, unless `run_missed`
///   - it is paused until it is told to resume, and has no engine yet; of what comes due until
///     then the same holds, since the original may go on meanwhile
///   - output that is not there does not count as stored
///   - numbers and events go on at the next whole `numbers_step` and far above, since the original
///     has given some out meanwhile
/// Errors: internal, one sentence, for a file that is damaged, another program's, or of a newer
/// version.
Result<RestoreReport> make_restored(const std::filesystem::path& database,
                                    const std::filesystem::path& file,
                                    const RestoreOptions& options);

inline constexpr std::int64_t numbers_step = 10'000;

/// In `meta` from a restore to the first `resume`: the highest number that the original gave, of
/// what the backup knows; 0 with `run_missed`, since then no job is left to the original.
inline constexpr const char* fence_meta = "restore_fence";
/// With the id of each job whose run was asked for on this copy meanwhile: the original has nothing
/// to do with that.
inline constexpr const char* exempt_prefix = "restore_run:";

/// Of a job that came due behind the fence.
inline constexpr const char* fenced_reason =
    "it came due before this restored daemon was resumed, so the original may have run it";

class Database;
// These throw SqliteError.
/// Nothing: there is none.
std::optional<std::int64_t> fence_of(Database& database);
bool is_exempt(Database& database, JobId id);
/// Both are gone.
void forget_fence(Database& database);

}  // namespace scheduler
