#pragma once
/// IntegrityWalk looks for damage in a large database while it is served from: every row of every
/// table is read, piece by piece, and looked up in each of its indexes. A piece is a few reads of
/// some milliseconds, so no picture of the database is held, and it rests nine times as long as it
/// works. It begins soon after the start, and again a day after its end. Lives on its executor;
/// owns a connection while it walks.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/store/sqlite/table_checks.hpp"

namespace scheduler {

class IntegrityWalk {
  public:
    /// `on_failure` is called, on the executor, with what was found. Nothing more is done then.
    IntegrityWalk(std::filesystem::path path,
                  Executor& executor,
                  const Clock& clock,
                  std::function<void(const SqliteError&)> on_failure);

    void begin();

  private:
    void begin_after(Duration delay);
    void step();
    void step_after(Duration delay);
    /// False at the end.
    bool check_next();

    const std::filesystem::path path_;
    Executor& executor_;
    const Clock& clock_;
    const std::function<void(const SqliteError&)> on_failure_;
    std::unique_ptr<Database> database_;
    std::vector<CheckedTable> tables_;
    std::string after_;  ///< in the last of tables_
    SteadyPoint begun_{};
    /// Timers hold it weakly, so that none runs after the walk is gone.
    Anchor<IntegrityWalk> anchor_{*this};
};

}  // namespace scheduler
