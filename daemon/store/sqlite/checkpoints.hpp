#pragma once
/// Checkpoints: the log of writes is copied into the database beside the commits, so that none of
/// them waits for it. A pass runs on an executor of its own, on a connection of its own; what was
/// committed meanwhile, a few pages, the writer copies between two commits, and the next commit
/// begins the log anew. A log that grows faster than that is copied by the commits themselves,
/// which holds up whoever writes, and so is one whose last pass failed, until one succeeds. After
/// a full disk a pass begins at once: what it copies makes room. Both kinds are SQLite's passive
/// ones: they wait for nobody, and nobody waits for a lock of theirs.
/// Source: sqlite.org/wal.html, section 2.1 and 6.

#include <filesystem>
#include <memory>
#include <optional>

#include "daemon/base/executor.hpp"
#include "daemon/store/sqlite/writer.hpp"

namespace scheduler {

/// In pages of 4 KiB that the log of writes holds.
struct CheckpointLimits {
    int begin = 1000;   ///< not copied yet, from which a pass begins
    int finish = 128;   ///< left by a pass, which the writer copies itself
    int force = 16384;  ///< from which commits copy: 64 MiB; after a failed pass, from `begin`
};

class Checkpoints {
  public:
    /// `executor` must be drained before this is destroyed. Commits of `writer` are counted from
    /// now on.
    Checkpoints(std::filesystem::path path,
                Executor& executor,
                Writer& writer,
                CheckpointLimits limits);

  private:
    /// What a pass came to.
    struct Pass {
        /// Pages of the log that are in the database; none when another connection was copying.
        std::optional<int> copied = std::nullopt;
        std::optional<SqliteError> error = std::nullopt;
    };

    void committed(int pages);
    Pass copy();
    void ended(Database& database, const Pass& pass);

    const std::filesystem::path path_;
    Executor& executor_;
    Writer& writer_;
    const CheckpointLimits limits_;
    std::unique_ptr<Database> database_;  ///< executor only; opened by the first pass

    // Of the writer's executor:
    int pages_ = 0;  ///< in the log
    int begin_at_;   ///< pages in the log from which the next pass begins
    bool is_under_way_ = false;
    bool was_full_ = false;  ///< the disk, at the last commit
};

}  // namespace scheduler
