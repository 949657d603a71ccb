/// The dispatcher with the real store and spool, in one thread, on a clock and an engine that the
/// test owns.

#include "daemon/dispatch/dispatcher.hpp"

#include <catch2/catch.hpp>

#include "common/local_time.hpp"
#include "daemon/dispatch/names.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_engine.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using test::TempDir;

class FakeWallTimer final : public WallTimer {
  public:
    void set(std::optional<TimePoint> at) override { when = at; }
    std::optional<TimePoint> when;
};

/// A daemon without front ends. `crash` drops everything but the disk and the engine.
struct World {
    explicit World(bool engine_is_given = false) : given(engine_is_given) { boot(); }
    ~World() { crash(); }

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

TEST_CASE("a job starts when it is due, not before, and its end is recorded", "[dispatch]") {
    World world;
    JobId id = world.add(2s);
    world.pass(1900ms);
    REQUIRE(world.engine.containers.empty());
    world.pass(200ms);
    REQUIRE(world.job(id).status == JobStatus::running);
    REQUIRE(world.engine.only().starts == 1);
    world.engine.only().output = "hello\n";
    world.engine.end("c1", 0);
    world.executor.run();
    Job job = world.job(id);
    REQUIRE(job.status == JobStatus::finished);
    REQUIRE(job.finish_status == FinishStatus::success);
    REQUIRE(job.exit_code == 0);
    REQUIRE(world.engine.containers.empty());
    auto record = world.spool->open_reader(id, 1)->next();
    REQUIRE(record);
    REQUIRE((*record)->bytes == "hello\n");
}

TEST_CASE("an exit code other than 0 is failed", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.engine.end("c1", 3);
    world.executor.run();
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 3);
}

TEST_CASE("an end that is reported before the answer to the start is not lost", "[dispatch]") {
    World world;
    world.engine.is_down = false;
    JobId id = world.add(0s);
    // The report came and was dropped; the slow reconcile finds the end.
    world.engine.end("c1", 0, false);
    world.pass(61s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
}

TEST_CASE("a name that is no image fails without asking the engine", "[dispatch]") {
    World world;
    JobId id = world.add(0s, {}, "JOB_A");
    Job job = world.job(id);
    REQUIRE(job.finish_status == FinishStatus::failed);
    REQUIRE(
        job.error ==
        "no definition is named JOB_A, and it is no image: invalid reference format: repository "
        "name must be lowercase");
    REQUIRE(world.engine.calls.empty());
}

TEST_CASE("a refused create is failed in the engine's words", "[dispatch]") {
    World world;
    world.engine.refuse_create = "No such image: test/busybox:1";
    JobId id = world.add(0s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).error == "No such image: test/busybox:1");
}

TEST_CASE("a refused start is failed with its code, and the container is removed", "[dispatch]") {
    World world;
    world.engine.refuse_start = "executable file not found in $PATH";
    JobId id = world.add(0s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 127);
    REQUIRE(world.engine.containers.empty());
}

TEST_CASE("a restarted daemon adopts what runs and starts nothing twice", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.crash();
    world.boot();
    REQUIRE(world.job(id).status == JobStatus::running);
    world.pass(5s);
    REQUIRE(world.engine.starts() == 1);
    world.engine.end("c1", 7);
    world.executor.run();
    REQUIRE(world.job(id).exit_code == 7);
}

TEST_CASE("a container that ended while no daemon ran is recorded", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", 5, false);
    world.boot();
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 5);
}

TEST_CASE("jobs that came due while no daemon ran are run at its start, late", "[dispatch]") {
    World world;
    JobId id = world.add(10s);
    world.crash();
    world.clock.advance(60s);
    world.boot();
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a start whose answer was lost is not repeated while the container runs", "[dispatch]") {
    World world;
    world.engine.loses_next_start_answer = true;
    JobId id = world.add(0s);
    world.pass(10s);
    REQUIRE(world.engine.only().starts == 1);
    REQUIRE(world.engine.starts() == 1);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a create whose answer was lost is adopted by its name", "[dispatch]") {
    World world;
    world.engine.loses_next_create_answer = true;
    JobId id = world.add(0s);
    world.pass(10s);
    REQUIRE(world.engine.containers.size() == 1);
    REQUIRE(world.engine.only().starts == 1);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a start is repeated only after a quiet second", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.crash();
    // As if the start had never reached the engine.
    world.engine.only().state.phase = FakeEngine::Phase::created;
    world.engine.only().state.started_at.reset();
    world.boot();
    world.pass(900ms);
    REQUIRE(world.engine.starts() == 1);
    world.pass(300ms);
    REQUIRE(world.engine.starts() == 2);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a container that a stranger removed makes its job lost", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.engine.containers.clear();
    world.pass(61s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("an end that the engine's restart explains is lost", "[dispatch]") {
    auto [code, expected] =
        GENERATE(table<std::int64_t, FinishStatus>({{137, FinishStatus::lost},
                                                    {143, FinishStatus::lost},
                                                    {255, FinishStatus::lost},
                                                    {1, FinishStatus::failed},
                                                    {0, FinishStatus::success}}));
    World world;
    JobId id = world.add(0s);
    world.engine.go_down();
    world.pass(1s);
    world.engine.end("c1", code, false);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == expected);
}

TEST_CASE("what was seen running since the engine answered ended by itself", "[dispatch]") {
    auto code = GENERATE(137, 143, 255);
    World world;
    JobId id = world.add(0s);
    SECTION("after an outage") {
        world.engine.go_down();
        world.pass(1s);
        world.engine.is_down = false;
        world.pass(2s);
    }
    SECTION("after a restart of the daemon") {
        world.crash();
        world.boot();
        world.pass(1s);
    }
    world.engine.end("c1", code);
    world.executor.run();
    CHECK(world.job(id).finish_status == FinishStatus::failed);
    CHECK(world.engine.calls_of("remembers_start") == 0);
}

TEST_CASE("a job that ended while only the daemon was away ended by itself", "[dispatch]") {
    auto code = GENERATE(137, 143, 255);
    World world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", code, false);
    world.engine.remembers_starts = true;
    world.boot();
    CHECK(world.job(id).finish_status == FinishStatus::failed);
    CHECK(world.job(id).exit_code == code);
}

TEST_CASE("a job that ended while daemon and engine were away is lost", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", 255, false);
    world.boot();
    CHECK(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("a job that comes due while a claim is under way starts at once", "[dispatch]") {
    World world;
    JobId first = world.add(500ms);
    JobId second = world.add(600ms);
    world.store->cancel(first, world.clock.now(), "test", [](Result<Done>) {});
    // A slow commit: the second is not due yet when the claim looks, and is when it answers.
    world.clock.advance(500ms);
    world.dispatcher->due_timer_rang();
    world.clock.advance(100ms);
    world.executor.run();
    CHECK(world.job(second).status == JobStatus::running);
}

TEST_CASE("a late start says what kept it waiting, where that is known", "[dispatch]") {
    World world;
    auto reason_of = [&](JobId id) {
        std::optional<std::string> reason;
        auto events = world.store->events_after(0, id, 10);
        REQUIRE(events);
        for (const JobEvent& event : *events)
            if (event.to == JobStatus::running) reason = event.reason;
        return reason;
    };
    SECTION("on time") {
        JobId id = world.add(1s);
        world.pass(2s);
        CHECK_FALSE(reason_of(id));
    }
    SECTION("the daemon was away") {
        JobId id = world.add(1s);
        world.crash();
        world.clock.advance(60s);
        world.boot();
        CHECK(reason_of(id) == "schedulerd was not running");
    }
    SECTION("the daemon was away, then the engine") {
        JobId id = world.add(1s);
        world.crash();
        world.clock.advance(60s);
        world.engine.is_down = true;
        world.boot();
        world.pass(5s);
        world.engine.is_down = false;
        world.pass(10s);
        CHECK(reason_of(id) == "the engine was unreachable");
    }
    SECTION("the engine was away") {
        JobId id = world.add(1s);
        world.engine.go_down();
        world.pass(5s);
        world.engine.is_down = false;
        world.pass(10s);
        CHECK(reason_of(id) == "the engine was unreachable");
        JobId next = world.add(1s);
        world.pass(2s);
        CHECK_FALSE(reason_of(next));
    }
    SECTION("too many ran") {
        world.dispatcher->set_options({1, 0});
        (void)world.add(0s);
        JobId id = world.add(1s);
        world.pass(5s);
        world.engine.end("c1", 0);
        world.executor.run();
        CHECK(reason_of(id) == "all 1 slots were taken");
    }
    SECTION("paused") {
        world.store->set_pause({true, std::nullopt}, [](Result<Done>) {});
        JobId id = world.add(1s);
        world.pass(5s);
        world.store->set_pause({}, [](Result<Done>) {});
        world.executor.run();
        world.dispatcher->wake();
        world.executor.run();
        CHECK(reason_of(id) == "paused");
    }
}

TEST_CASE("a daemon that stops claims nothing more, and finishes what runs", "[dispatch]") {
    World world;
    JobId running = world.add(0s);
    JobId due = world.add(1s);
    world.dispatcher->stop_claiming();
    world.pass(2s);
    CHECK(world.job(due).status == JobStatus::scheduled);
    world.engine.end("c1", 0);
    world.pass(1s);
    CHECK(world.job(running).status == JobStatus::finished);
    CHECK(world.job(due).status == JobStatus::scheduled);
}

TEST_CASE("a followed output that breaks alone is followed again", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.pass(2s);
    REQUIRE(world.engine.follows == 1);
    world.engine.break_follows();
    world.pass(2s);
    CHECK(world.engine.follows == 2);
    CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("who wants a running job's output gets what it printed so far", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.engine.only().output = "so far\n";
    bool is_there = false;
    world.dispatcher->want_output(id, [&] { is_there = true; });
    world.executor.run();
    CHECK_FALSE(is_there);  // the followed output has not brought it yet
    world.engine.bring_output("c1");
    CHECK(is_there);
    auto record = world.spool->open_reader(id, 1)->next();
    REQUIRE(record);
    REQUIRE(*record);
    CHECK((*record)->bytes == "so far\n");
    // Once it has caught up, nobody waits.
    is_there = false;
    world.dispatcher->want_output(id, [&] { is_there = true; });
    world.executor.run();
    CHECK(is_there);
}

TEST_CASE("nobody waits for the output of a job that does not run", "[dispatch]") {
    World world;
    JobId id = world.add(1h);
    bool is_there = false;
    world.dispatcher->want_output(id, [&] { is_there = true; });
    world.executor.run();
    CHECK(is_there);
}

TEST_CASE("without an engine jobs stay scheduled, and run when it is back", "[dispatch]") {
    World world;
    world.engine.go_down();
    JobId id = world.add(0s);
    world.pass(30s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    REQUIRE_FALSE(world.dispatcher->engine_status().is_up);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("another engine than the one that was found first is refused, both are named",
          "[dispatch]") {
    World world;
    world.crash();
    world.engine.id = "engine-2";
    world.boot();
    JobId id = world.add(0s);
    world.pass(5s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    auto reason = world.dispatcher->engine_status().reason;
    REQUIRE(reason.find("engine-1") != std::string::npos);
    REQUIRE(reason.find("engine-2") != std::string::npos);
}

TEST_CASE("with --engine another engine takes over, and rows of the old one stay as they are",
          "[dispatch]") {
    World world(true);
    JobId id = world.add(0s);
    world.crash();
    world.engine.id = "engine-2";
    world.engine.containers.clear();
    world.boot();
    world.pass(61s);
    REQUIRE(world.job(id).status == JobStatus::running);
    REQUIRE(world.dispatcher->engine_status().is_up);
}

TEST_CASE("kill stops a running job, and says who", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.kill(id);
    Job job = world.job(id);
    REQUIRE(job.finish_status == FinishStatus::killed);
    REQUIRE(job.error == "killed by test");
    REQUIRE(world.engine.calls_of("stop") == 1);
}

TEST_CASE("a wish to kill that a crash interrupted is carried out by the next daemon",
          "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    world.store->request_kill(id, world.clock.now(), "test", false, [](Result<Done>) {});
    world.executor.run();
    world.crash();
    world.boot();
    world.executor.run();
    REQUIRE(world.job(id).finish_status == FinishStatus::killed);
}

TEST_CASE("a timeout counts from the start and survives a restart", "[dispatch]") {
    World world;
    JobSpec spec;
    spec.timeout = Span{10s};
    JobId id = world.add(0s, spec);
    world.pass(5s);
    world.crash();
    world.boot();
    world.pass(4900ms);
    REQUIRE(world.job(id).status == JobStatus::running);
    world.pass(300ms);
    REQUIRE(world.job(id).finish_status == FinishStatus::timed_out);
}

TEST_CASE("no more than max_running run at once", "[dispatch]") {
    World world;
    world.dispatcher->set_options({2, 0});
    std::vector<JobId> ids;
    for (int i = 0; i < 3; ++i)
        ids.push_back(world.add(0s));
    world.pass(1s);
    REQUIRE(world.engine.containers.size() == 2);
    world.engine.end("c1", 0);
    world.pass(1s);
    REQUIRE(world.job(ids[2]).status == JobStatus::running);
}

TEST_CASE("a paused daemon starts nothing until it is resumed", "[dispatch]") {
    World world;
    world.store->set_pause({true, std::nullopt}, [](Result<Done>) {});
    JobId id = world.add(0s);
    world.pass(3s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    world.store->set_pause({}, [](Result<Done>) {});
    world.executor.run();
    world.dispatcher->wake();
    world.executor.run();
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a pause with an end resumes by itself", "[dispatch]") {
    World world;
    world.store->set_pause({true, world.clock.now() + 5s}, [](Result<Done>) {});
    JobId id = world.add(0s);
    world.pass(4s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    world.pass(2s);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a container of an ended job that a crash left behind is removed", "[dispatch]") {
    World world;
    JobId id = world.add(0s);
    FakeEngine::Container left = world.engine.only();
    world.engine.end("c1", 0);
    world.executor.run();
    world.engine.containers["c1"] = left;
    world.crash();
    world.boot();
    world.executor.run();
    REQUIRE(world.engine.containers.empty());
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
}

TEST_CASE("a container of ours without a row is reported and left alone", "[dispatch]") {
    World world;
    FakeEngine::Container stranger;
    stranger.name = "schedulerd-x-1";
    stranger.state.id = "c9";
    stranger.state.labels[job_label] = std::string(32, '0');
    world.engine.containers["c9"] = stranger;
    world.crash();
    world.boot();
    REQUIRE(world.engine.containers.count("c9") == 1);
}

}  // namespace
}  // namespace scheduler
