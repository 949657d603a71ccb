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

    void boot() {
        auto opened = SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}});
        REQUIRE(opened);
        store = std::move(*opened);
        spool = std::make_unique<Spool>(dir.path() / "logs", 1 << 20);
        dispatcher = std::make_unique<Dispatcher>(Dispatcher::Parts{engine,
                                                                    *store,
                                                                    *spool,
                                                                    events,
                                                                    metrics,
                                                                    clock,
                                                                    executor,
                                                                    executor,
                                                                    timer,
                                                                    "instance",
                                                                    given},
                                                  DispatchOptions{max_running, 0});
        REQUIRE(dispatcher->start());
        executor.run();
    }
    void crash() {
        if (dispatcher) dispatcher->stop();
        executor.run();
        dispatcher.reset();
        store.reset();
    }

    JobId add(Duration in, JobSpec spec = {}, std::string name = "test/busybox:1") {
        JobId id;
        NewJob job{name, std::move(spec), clock.now(), clock.now() + in, {}, {}, "test"};
        store->insert({job}, [&](Result<std::vector<AddedJob>> added) {
            REQUIRE(added);
            id = added->front().job.id;
        });
        executor.run();
        dispatcher->wake_at(clock.now() + in);
        executor.run();
        return id;
    }
    /// Due now, and stopped when it has run so long.
    JobId add_limited(Duration timeout) {
        JobSpec spec;
        spec.timeout = Span{timeout};
        return add(0s, std::move(spec));
    }
    /// Time passes, and the due timer rings when its moment has come.
    void pass(Duration length) {
        for (Duration passed{}; passed < length; passed += 100ms) {
            clock.advance(100ms);
            if (timer.when && *timer.when <= clock.now()) {
                timer.when.reset();
                dispatcher->due_timer_rang();
            }
            executor.run();
        }
    }
    void kill(JobId id, bool now = false) {
        store->request_kill(id, clock.now(), "test", now, [](Result<Done>) {});
        executor.run();
        dispatcher->kill(id, "test", now);
        executor.run();
    }
    Job job(JobId id) {
        auto found = store->find(JobRef{id.to_string()}, "");
        REQUIRE(found);
        return *found;
    }

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
