/// What is claimed, when, and what keeps it waiting.

#include <atomic>
#include <thread>

#include "daemon/dispatch/names.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

TEST_CASE("a job starts when it is due, not before, and its end is recorded", "[dispatch]") {
    DispatchWorld world;
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

TEST_CASE("jobs that came due while no daemon ran are run at its start, late", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(10s);
    world.crash();
    world.clock.advance(60s);
    world.boot();
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a job that comes due while a claim is under way starts at once", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
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
        CHECK(reason_of(id) == "the only slot was taken");
    }
    SECTION("too many were being started, and slots were free") {
        world.engine.drops_next_start = true;
        (void)world.add(0s);
        world.crash();
        world.boot();  // the start is repeated after a quiet time
        world.dispatcher->set_options({100, 1});
        JobId id = world.add(500ms);
        CHECK(world.dispatcher->starts_taken() == 1);
        world.pass(5s);
        CHECK(world.dispatcher->starts_taken() == 0);
        CHECK(reason_of(id) ==
              "as many containers as --max-starting allows (1) were being started");
    }
    SECTION("the store could not write") {
        JobId id = world.add(1s);
        Database database(world.dir.path() / "db", Database::Mode::writer);
        database.exec(
            "CREATE TRIGGER broken BEFORE UPDATE ON job BEGIN SELECT RAISE(ABORT, 'no'); END");
        world.pass(5s);
        REQUIRE_FALSE(reason_of(id));
        database.exec("DROP TRIGGER broken");
        world.pass(2s);
        CHECK(reason_of(id) == "the store could not write");
        JobId next = world.add(1s);
        world.pass(2s);
        CHECK_FALSE(reason_of(next));
    }
    SECTION("paused") {
        world.store->set_pause({.paused = true}, [](const Result<PauseChange>&) {});
        JobId id = world.add(1s);
        world.pass(5s);
        world.store->set_pause({}, [](const Result<PauseChange>&) {});
        world.executor.run();
        world.dispatcher->wake();
        world.executor.run();
        CHECK(reason_of(id) == "paused");
    }
}

TEST_CASE("a past due time counts as late from the submission on", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(-24h * 365);
    REQUIRE(world.job(id).status == JobStatus::running);
    CHECK(world.job(id).lateness_ms == Duration(24h * 365).count());
    auto events = world.store->events_after(0, id, 10);
    REQUIRE(events);
    for (const JobEvent& event : *events)
        CHECK_FALSE(event.reason);
    std::string metrics = world.metrics.text();
    CHECK_THAT(metrics, Catch::Matchers::Contains("schedulerd_jobs_late_total 0\n"));
    CHECK_THAT(metrics, Catch::Matchers::Contains("schedulerd_dispatch_lateness_seconds_sum 0\n"));
}

TEST_CASE("a daemon that stops claims nothing more, and finishes what runs", "[dispatch]") {
    DispatchWorld world;
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

TEST_CASE("without an engine jobs stay scheduled, and run when it is back", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
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
    DispatchWorld world(true);
    JobId id = world.add(0s);
    world.crash();
    world.engine.id = "engine-2";
    world.engine.containers.clear();
    world.boot();
    world.pass(61s);
    REQUIRE(world.job(id).status == JobStatus::running);
    REQUIRE(world.dispatcher->engine_status().is_up);
}

TEST_CASE("no more than max_running run at once", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
    world.store->set_pause({.paused = true}, [](const Result<PauseChange>&) {});
    JobId id = world.add(0s);
    world.pass(3s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    world.store->set_pause({}, [](const Result<PauseChange>&) {});
    world.executor.run();
    world.dispatcher->wake();
    world.executor.run();
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a pause with an end resumes by itself", "[dispatch]") {
    DispatchWorld world;
    world.store->set_pause({.paused = true, .until = world.clock.now() + 5s},
                           [](const Result<PauseChange>&) {});
    JobId id = world.add(0s);
    world.pass(4s);
    REQUIRE(world.job(id).status == JobStatus::scheduled);
    world.pass(2s);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a container of an ended job that a crash left behind is removed", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
    FakeEngine::Container stranger;
    stranger.name = "schedulerd-x-1";
    stranger.state.id = "c9";
    stranger.state.labels[job_label] = std::string(32, '0');
    world.engine.containers["c9"] = stranger;
    world.crash();
    world.boot();
    REQUIRE(world.engine.containers.count("c9") == 1);
}

// Front ends call until the last of their threads has ended, which is after the stop. The thread
// sanitizer shows a stop that changes what those calls read.
TEST_CASE("other threads may speak to a dispatcher that stops", "[dispatch]") {
    DispatchWorld world;
    Dispatcher& dispatcher = *world.dispatcher;
    std::atomic<bool> has_spoken = false;
    std::thread front_end([&] {
        for (int i = 0; i < 1000; ++i) {
            dispatcher.wake();
            dispatcher.look_after_engine();
            dispatcher.kill(JobId(), "test", false);
            dispatcher.want_output(JobId(), [] {});
            dispatcher.has_image("test/busybox:1", [](std::optional<bool>) {});
            dispatcher.survey([](Survey) {});
            dispatcher.prune(std::nullopt, false, [](Result<PruneReport>) {});
            has_spoken = true;
        }
    });
    while (!has_spoken)
        std::this_thread::yield();
    dispatcher.stop();
    front_end.join();
    JobId id = world.add(0s);
    world.pass(5s);
    CHECK(world.job(id).status == JobStatus::scheduled);
    CHECK(world.engine.containers.empty());
}

}  // namespace scheduler::test
