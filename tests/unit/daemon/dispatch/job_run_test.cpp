/// From a claim to the outcome, whatever the engine and the daemon do meanwhile.

#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

TEST_CASE("an exit code other than 0 is failed", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.end("c1", 3);
    world.executor.run();
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 3);
}

TEST_CASE("an end that is reported before the answer to the start is not lost", "[dispatch]") {
    DispatchWorld world;
    world.engine.is_down = false;
    JobId id = world.add(0s);
    // The report came and was dropped; the slow reconcile finds the end.
    world.engine.end("c1", 0, false);
    world.pass(61s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
}

TEST_CASE("a name that is no image fails without asking the engine", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
    world.engine.refuse_create = "No such image: test/busybox:1";
    JobId id = world.add(0s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).error == "No such image: test/busybox:1");
}

TEST_CASE("a refused start is failed with its code, and the container is removed", "[dispatch]") {
    DispatchWorld world;
    world.engine.refuse_start = "executable file not found in $PATH";
    JobId id = world.add(0s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 127);
    REQUIRE(world.engine.containers.empty());
}

TEST_CASE("the engine gets the specification, and our labels besides the job's", "[dispatch]") {
    DispatchWorld world;
    JobSpec spec;
    spec.workdir = "/data";
    spec.labels = {{"team", "x"}};
    JobId id = world.add(0s, spec);
    const auto& made = world.engine.only();
    CHECK(made.spec == spec);
    CHECK(made.state.labels.at("team") == "x");
    CHECK(made.state.labels.at("schedulerd.job") == id.to_string());
}

TEST_CASE("a limit that the engine drops fails the job before it starts", "[dispatch]") {
    auto [change, words] = GENERATE(table<void (*)(JobSpec&), const char*>(
        {{[](JobSpec& spec) { spec.memory = Size{64 << 20}; }, "memory 64MiB"},
         {[](JobSpec& spec) { spec.cpus = Cpus{1'500'000'000}; }, "cpus 1.5"},
         {[](JobSpec& spec) { spec.pids_limit = 100; }, "pids_limit 100"},
         {[](JobSpec& spec) {
              spec.ulimits = {{"nofile", 64, 128}};
          },
          "ulimit nofile=64:128"}}));
    DispatchWorld world;
    world.engine.drops_limits = true;
    JobSpec spec;
    change(spec);
    Job job = world.job(world.add(0s, spec));
    CHECK(job.finish_status == FinishStatus::failed);
    CHECK(job.error == "the engine can't keep the limit " + std::string(words) +
                           " on this machine, so it was not started");
    CHECK(world.engine.starts() == 0);
    CHECK(world.engine.containers.empty());
}

TEST_CASE("a dropped limit is seen also by the daemon after one that crashed", "[dispatch]") {
    DispatchWorld world;
    world.engine.drops_limits = true;
    world.engine.loses_next_create_answer = true;
    JobSpec spec;
    spec.memory = Size{64 << 20};
    JobId id = world.add(0s, spec);
    world.crash();
    world.boot();
    world.pass(5s);
    CHECK(world.job(id).finish_status == FinishStatus::failed);
    CHECK(world.engine.starts() == 0);
    CHECK(world.engine.containers.empty());
}

TEST_CASE("a limit that the engine keeps costs one look, and the job runs", "[dispatch]") {
    DispatchWorld world;
    JobSpec spec;
    spec.memory = Size{64 << 20};
    spec.pids_limit = -1;
    JobId id = world.add(0s, spec);
    CHECK(world.job(id).status == JobStatus::running);
    CHECK(world.engine.starts() == 1);
    JobSpec unlimited;
    unlimited.pids_limit = -1;
    world.engine.drops_limits = true;
    CHECK(world.job(world.add(0s, unlimited)).status == JobStatus::running);
}

TEST_CASE("a restarted daemon adopts what runs and starts nothing twice", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", 5, false);
    world.boot();
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 5);
}

TEST_CASE("a start whose answer was lost is not repeated while the container runs", "[dispatch]") {
    DispatchWorld world;
    world.engine.loses_next_start_answer = true;
    JobId id = world.add(0s);
    world.pass(10s);
    REQUIRE(world.engine.only().starts == 1);
    REQUIRE(world.engine.starts() == 1);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a create whose answer was lost is adopted by its name", "[dispatch]") {
    DispatchWorld world;
    world.engine.loses_next_create_answer = true;
    JobId id = world.add(0s);
    world.pass(10s);
    REQUIRE(world.engine.containers.size() == 1);
    REQUIRE(world.engine.only().starts == 1);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("a start is repeated only after a quiet time", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    // As if the start had never reached the engine.
    world.engine.only().state.phase = FakeEngine::Phase::created;
    world.engine.only().state.started_at.reset();
    world.boot();
    Duration quiet = 1500ms;
    SECTION("it answers at once") {}
    SECTION("it hangs meanwhile: what it was sent before comes after") {
        quiet = 3000ms;
        world.pass(1400ms);
        world.engine.hangs_at_pings = true;
        world.pass(5s);
        REQUIRE(world.engine.held_pings.size() == 1);
        world.engine.hangs_at_pings = false;
        world.engine.held_pings.front()(Done{});
    }
    world.pass(quiet - 100ms);
    REQUIRE(world.engine.starts() == 1);
    world.pass(700ms);
    REQUIRE(world.engine.starts() == 2);
    REQUIRE(world.job(id).status == JobStatus::running);
}

TEST_CASE("an engine that is slow to answer is waited for longer, not for ever", "[dispatch]") {
    auto [answers_after, starts] = GENERATE(table<Duration, int>({{600ms, 2}, {2s, 2}, {10s, 1}}));
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.only().state.phase = FakeEngine::Phase::created;
    world.engine.only().state.started_at.reset();
    world.boot();
    world.engine.hangs_at_pings = true;
    for (Duration passed{}; passed < 5min; passed += answers_after) {
        world.pass(answers_after);
        for (auto& ping : std::exchange(world.engine.held_pings, {}))
            ping(Done{});
        world.executor.run();
    }
    CHECK(world.engine.starts() == starts);
    CHECK(world.job(id).status == JobStatus::running);
    if (starts == 2) return;
    // It holds no start slot meanwhile.
    JobId other = world.add(0s);
    world.pass(100ms);
    CHECK(world.job(other).status == JobStatus::running);
    world.engine.hangs_at_pings = false;
    for (auto& ping : std::exchange(world.engine.held_pings, {}))
        ping(Done{});
    world.pass(40s);
    CHECK(world.engine.starts() == 3);
}

// dockerd was killed between the start of the process and its own note of that: after its restart
// it said `created`, and the repeated start ran the job again.
TEST_CASE("a start that the engine died under is not repeated", "[dispatch]") {
    auto did_restart = GENERATE(true, false);
    DispatchWorld world;
    world.engine.drops_next_start = true;
    JobId id = world.add(0s);
    world.engine.forgets_creations = did_restart;
    SECTION("the same daemon") {}
    SECTION("the next daemon") {
        world.crash();
        world.boot();
    }
    world.pass(5s);
    CHECK(world.engine.starts() == (did_restart ? 1 : 2));
    if (did_restart)
        CHECK(world.job(id).finish_status == FinishStatus::lost);
    else
        CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("a start that was queued when the daemon died is seen before its job is given up",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    auto& container = world.engine.only().state;
    container.phase = FakeEngine::Phase::created;
    auto started_at = std::exchange(container.started_at, std::nullopt);
    world.engine.forgets_creations = true;
    world.boot();
    world.pass(500ms);
    container.phase = FakeEngine::Phase::running;
    container.started_at = started_at;
    world.pass(5s);
    CHECK(world.engine.starts() == 1);
    CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("a container that no start was sent to is started whatever the engine forgot",
          "[dispatch]") {
    DispatchWorld world;
    world.engine.loses_next_create_answer = true;
    world.engine.forgets_creations = true;
    JobId id = world.add(0s);
    world.pass(5s);
    CHECK(world.engine.only().starts == 1);
    CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("a container that a stranger removed makes its job lost", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.containers.clear();
    world.pass(61s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("a container that a stranger removed before its kill was not killed", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.containers.clear();
    world.kill(id);
    CHECK(world.job(id).finish_status == FinishStatus::lost);
    CHECK(world.engine.calls_of("stop") == 0);
}

TEST_CASE("an end that the engine's restart explains is lost", "[dispatch]") {
    auto [code, expected] =
        GENERATE(table<std::int64_t, FinishStatus>({{137, FinishStatus::lost},
                                                    {143, FinishStatus::lost},
                                                    {255, FinishStatus::lost},
                                                    {1, FinishStatus::failed},
                                                    {0, FinishStatus::success}}));
    DispatchWorld world;
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
    DispatchWorld world;
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

// On SIGTERM dockerd stops its containers, tells of their ends and answers those who are connected;
// such jobs were called failed.
TEST_CASE("an end that the engine's shutdown explains is lost", "[dispatch]") {
    auto [code, expected] =
        GENERATE(table<std::int64_t, FinishStatus>({{137, FinishStatus::lost},
                                                    {143, FinishStatus::lost},
                                                    {1, FinishStatus::failed},
                                                    {0, FinishStatus::success}}));
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(1s);
    world.engine.takes_no_connections = true;
    world.engine.end("c1", code);
    world.executor.run();
    bool is_known_at_once = expected != FinishStatus::lost;
    CHECK((world.job(id).status == JobStatus::finished) == is_known_at_once);
    world.pass(10s);  // others of its containers take longer to stop
    world.engine.go_down();
    world.pass(3s);
    world.engine.takes_no_connections = world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == expected);
}

TEST_CASE("nothing is started on an engine that shuts down", "[dispatch]") {
    DispatchWorld world;
    world.add(0s);
    JobId later = world.add(5s);
    world.engine.takes_no_connections = true;
    world.engine.end("c1", 143);
    world.pass(10s);
    CHECK(world.job(later).status == JobStatus::scheduled);
    world.engine.takes_no_connections = false;
    world.pass(10s);
    CHECK(world.job(later).status == JobStatus::running);
}

TEST_CASE("a job that ended while only the daemon was away ended by itself", "[dispatch]") {
    auto code = GENERATE(137, 143, 255);
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", code, false);
    world.engine.remembers_starts = true;
    world.boot();
    CHECK(world.job(id).finish_status == FinishStatus::failed);
    CHECK(world.job(id).exit_code == code);
}

TEST_CASE("a job that ended while daemon and engine were away is lost", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.crash();
    world.engine.end("c1", 255, false);
    world.boot();
    CHECK(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("kill stops a running job, and says who", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.kill(id);
    Job job = world.job(id);
    REQUIRE(job.finish_status == FinishStatus::killed);
    REQUIRE(job.error == "killed by test");
    REQUIRE(world.engine.calls_of("stop") == 1);
}

TEST_CASE("a kill at once does not wait for the grace of an earlier one", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(1s);
    world.engine.hangs_at_stops = true;
    world.kill(id);
    SECTION("while it is watched") {
        world.kill(id, true);
    }
    SECTION("while its container is looked at") {
        world.engine.go_down();
        world.pass(1s);
        world.engine.is_down = false;
        world.engine.hangs_at_inspects = true;
        world.pass(2s);
        REQUIRE(world.engine.held_inspects.size() == 1);
        world.kill(id, true);
        world.engine.hangs_at_inspects = false;
        world.engine.held_inspects.front()();
        world.executor.run();
    }
    CHECK(world.engine.calls_of("stop") == 2);
    CHECK(world.engine.calls.back() == "stop c1 now");
}

TEST_CASE("a job that ended unheard of before its kill was not killed", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.end("c1", 0, false);
    world.kill(id);
    CHECK(world.job(id).finish_status == FinishStatus::success);
    CHECK(world.engine.calls_of("stop") == 0);
}

TEST_CASE("a wish to kill that a crash interrupted is carried out by the next daemon",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.store->request_kill(id, world.clock.now(), "test", false, [](Result<Done>) {});
    world.executor.run();
    world.crash();
    world.boot();
    world.executor.run();
    REQUIRE(world.job(id).finish_status == FinishStatus::killed);
}

TEST_CASE("a timeout counts from the start and survives a restart", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add_limited(10s);
    world.pass(5s);
    world.crash();
    world.boot();
    world.pass(4900ms);
    REQUIRE(world.job(id).status == JobStatus::running);
    world.pass(300ms);
    REQUIRE(world.job(id).finish_status == FinishStatus::timed_out);
}

TEST_CASE("a stop waits as long as the job says, else ten seconds, and not at all with now",
          "[dispatch]") {
    auto [grace, now, expected] =
        GENERATE(table<std::optional<Span>, bool, Duration>({{std::nullopt, false, 10s},
                                                             {Span{3s}, false, 3s},
                                                             {Span{0s}, false, 0s},
                                                             {Span{3s}, true, 0s}}));
    DispatchWorld world;
    JobSpec spec;
    spec.stop_grace = grace;
    JobId id = world.add(0s, spec);
    world.pass(1s);
    world.kill(id, now);
    CHECK(world.job(id).finish_status == FinishStatus::killed);
    CHECK(world.engine.last_grace == expected);
}

TEST_CASE("a timeout waits for the job's own grace too", "[dispatch]") {
    DispatchWorld world;
    JobSpec spec;
    spec.timeout = Span{2s};
    spec.stop_grace = Span{7s};
    JobId id = world.add(0s, spec);
    world.pass(3s);
    CHECK(world.job(id).finish_status == FinishStatus::timed_out);
    CHECK(world.engine.last_grace == 7s);
}

TEST_CASE("a job that ended unheard of before its timeout did not time out", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add_limited(10s);
    world.pass(2s);
    world.engine.end("c1", 0, false);
    world.pass(10s);
    CHECK(world.job(id).finish_status == FinishStatus::success);
    CHECK(world.engine.calls_of("stop") == 0);
}

TEST_CASE("an engine that refuses to say whether a job is over its time is asked again",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add_limited(10s);
    world.pass(2s);
    world.engine.refuses["inspect"] = 2;
    world.pass(15s);
    CHECK(world.job(id).finish_status == FinishStatus::timed_out);
    CHECK(world.engine.calls_of("stop") == 1);
}

TEST_CASE("a more urgent kill sends no stop before the first one's reason is committed",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(1s);
    for (bool now : {false, true}) {
        world.store->request_kill(id, world.clock.now(), "test", now, [](const Result<Done>&) {});
        world.dispatcher->kill(id, "test", now);
    }
    world.executor.run();
    CHECK(world.job(id).finish_status == FinishStatus::killed);
    CHECK(world.engine.calls_of("stop") == 1);
    CHECK(world.engine.calls_of("stop c1 now") + world.engine.calls_of("stop c1") == 1);
}

TEST_CASE("a container that a stranger starts again after its stop is stopped again",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(1s);
    world.engine.restarts_when_stopped = 1;
    world.kill(id);
    CHECK(world.job(id).status == JobStatus::running);
    world.pass(2s);
    CHECK(world.job(id).finish_status == FinishStatus::killed);
    CHECK(world.engine.calls_of("stop") == 2);
}

}  // namespace scheduler::test
