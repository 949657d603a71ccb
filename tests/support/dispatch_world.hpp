#pragma once
/// The dispatcher with the real store and spool, in one thread, on a clock and an engine that the
/// test owns.

#include <catch2/catch.hpp>

#include "daemon/dispatch/dispatcher.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_engine.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::test {

using namespace std::chrono_literals;

class FakeWallTimer final : public WallTimer {
  public:
    void set(std::optional<TimePoint> at) override { when = at; }
    std::optional<TimePoint> when;
};

/// A daemon without front ends. `crash` drops everything but the disk and the engine.
struct DispatchWorld {
    explicit DispatchWorld(bool engine_is_given = false) : given(engine_is_given) { boot(); }
    ~DispatchWorld() { crash(); }

    void boot();
    void crash();

    JobId add(Duration in, JobSpec spec = {}, std::string name = "test/busybox:1");
    /// Due now, and stopped when it has run so long.
    JobId add_limited(Duration timeout);
    /// Time passes, and the due timer rings when its moment has come.
    void pass(Duration length);
    void kill(JobId id, bool now = false);
    Job job(JobId id);

    TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    FakeEngine engine{clock};
    FakeWallTimer timer;
    EventHub events;
    Metrics metrics;
    bool given = false;
    int max_running = 100;
    std::unique_ptr<SqliteStore> store;
    std::unique_ptr<Spool> spool;
    std::unique_ptr<Dispatcher> dispatcher;
};

}  // namespace scheduler::test
