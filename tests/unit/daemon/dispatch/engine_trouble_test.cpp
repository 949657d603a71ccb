/// Engines in trouble. Each of these was found by the simulation (docs/robustness.md).

#include "daemon/dispatch/names.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {
namespace {

/// The engine's restart ends what runs.
void restart_engine(DispatchWorld& world, const std::string& container) {
    world.engine.go_down();
    world.pass(1s);
    world.engine.end(container, 137, false);
    world.engine.is_down = false;
}

}  // namespace

TEST_CASE(
    "a container that could not be removed goes when the engine can, also from an idle daemon",
    "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.refuses["remove"] = 1;
    world.engine.end("c1", 0);
    world.pass(1s);
    REQUIRE(world.job(id).status == JobStatus::finished);
    REQUIRE(world.engine.containers.size() == 1);
    world.pass(61s);
    REQUIRE(world.engine.containers.empty());
}

TEST_CASE("a create of a killed daemon that is executed after the next one looked is found",
          "[dispatch]") {
    DispatchWorld world;
    (void)world.add(0s);
    FakeEngine::Container late = world.engine.only();
    world.engine.end("c1", 0);
    world.pass(1s);
    REQUIRE(world.engine.containers.empty());
    world.crash();
    world.boot();
    late.state.id = "late";
    late.state.phase = FakeEngine::Phase::created;
    world.engine.containers["late"] = late;
    world.pass(121s);
    CHECK(world.engine.containers.empty());
    // Then an idle daemon does not wake up.
    int lists = world.engine.lists;
    world.pass(10min);
    CHECK(world.engine.lists == lists);
}

TEST_CASE("a start that was refused is settled by the container, not by a second refusal",
          "[dispatch]") {
    DispatchWorld world;
    world.engine.refuses = {{"start", 1}, {"inspect", 1}};
    JobId id = world.add(0s);
    REQUIRE(world.job(id).status == JobStatus::running);
    world.pass(5s);
    world.engine.end("c1", 0);
    world.pass(1s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
    CHECK(world.engine.starts() == 1);  // the refused one did not count
}

TEST_CASE("an engine that hung is watched once, though its watch broke while it was connected to",
          "[dispatch]") {
    DispatchWorld world;
    (void)world.add(0s);
    world.engine.hangs_at_pings = world.engine.hangs_at_connects = true;
    world.pass(11s);  // while jobs run, pings look for a hang
    REQUIRE(world.engine.held_pings.size() == 1);
    world.engine.held_pings.front()(
        fail(EngineFailure{EngineFailure::Kind::no_answer, "the engine does not answer"}));
    world.pass(1s);
    REQUIRE(world.engine.held_connects.size() == 1);
    world.engine.break_watch();
    world.pass(10s);
    CHECK(world.engine.held_connects.size() == 1);  // one at a time
    world.engine.hangs_at_pings = world.engine.hangs_at_connects = false;
    for (auto& connected : std::exchange(world.engine.held_connects, {}))
        connected(world.engine.identity());
    world.pass(10s);
    CHECK(world.dispatcher->engine_status().is_up);
    CHECK(world.engine.watches == 2);  // the first one, and one after the hang
}

TEST_CASE("an end by the engine's restart is lost, though the clock was set meanwhile",
          "[dispatch]") {
    auto by = GENERATE(-24h * 365, -1h, 1h, 24h * 365);
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.go_down();
    world.clock.set(world.clock.now() + by);
    world.pass(1s);
    world.engine.end("c1", 137, false);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("an end by the engine's restart is lost, though the clock was set back and forth",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    // The first time before the connection breaks, but while the engine stops its containers.
    world.clock.set(world.clock.now() - 1h);
    world.engine.end("c1", 137, false);
    world.clock.set(world.clock.now() + 24h * 365);
    world.engine.go_down();
    world.pass(1s);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("an end by the engine's restart is lost, though the clock is set as it was again",
          "[dispatch]") {
    auto by = GENERATE(-24h * 365, -1h, 1h, 24h * 365);
    DispatchWorld world;
    JobId id = world.add(0s);
    auto set_clock = [&](Duration shift) { world.clock.set(world.clock.now() + shift); };
    SECTION("before and in the outage") {
        set_clock(by);
        world.engine.go_down();
        world.engine.end("c1", 137, false);
        set_clock(-by);
    }
    SECTION("in the outage") {
        world.engine.go_down();
        set_clock(by);
        world.engine.end("c1", 137, false);
        set_clock(-by);
    }
    SECTION("in the outage and after it") {
        world.engine.go_down();
        set_clock(by);
        world.engine.end("c1", 137, false);
        world.engine.refuses["inspect"] = 1;
        world.engine.is_down = false;
        while (!world.dispatcher->engine_status().is_up)
            world.pass(100ms);
        set_clock(-by);
    }
    world.pass(1s);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("an outage that goes on does not hide the one that ended the job", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.goes_down_at_inspect = true;
    restart_engine(world, "c1");
    world.pass(10s);
    REQUIRE(world.job(id).status == JobStatus::running);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("a second outage does not hide the one that ended the job", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.refuses["inspect"] = 1;
    restart_engine(world, "c1");
    // It answers, but does not say yet what became of the container.
    while (!world.dispatcher->engine_status().is_up)
        world.pass(100ms);
    REQUIRE(world.job(id).status == JobStatus::running);
    world.pass(500ms);
    world.engine.go_down();
    world.pass(20s);
    world.engine.is_down = false;
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::lost);
}

TEST_CASE("an engine that refuses once to show the output is asked again", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.only().output = "whole\n";
    world.engine.refuses["logs"] = 1;
    world.engine.end("c1", 0);
    world.pass(5s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
    auto record = world.spool->open_reader(id, 1)->next();
    REQUIRE(record);
    REQUIRE(*record);
    REQUIRE((*record)->bytes == "whole\n");
}

TEST_CASE("a container that could not be removed is looked for until it is gone", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.refuses["remove"] = 2;
    world.engine.end("c1", 0);
    world.pass(50s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
    REQUIRE(world.engine.containers.size() == 1);
    SECTION("the engine answers") {}
    SECTION("the engine refuses once to list") {
        world.engine.refuses["list"] = 1;
    }
    world.pass(200s);
    CHECK(world.engine.containers.empty());
    // An idle daemon does not wake up.
    int lists = world.engine.lists;
    world.pass(300s);
    CHECK(world.engine.lists == lists);
}

TEST_CASE("a container that a dead daemon's create makes late is removed", "[dispatch]") {
    DispatchWorld world;
    world.engine.is_down = true;
    JobId id = world.add(0s);
    world.crash();
    world.engine.is_down = false;
    world.engine.refuse_create = "internal error";
    world.boot();
    world.pass(1s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    // The first daemon's request, which the engine had not come to.
    world.engine.refuse_create.clear();
    ContainerRequest request;
    request.name = container_name(id, 1);
    request.labels = {{job_label, id.to_string()}, {instance_label, "instance"}};
    world.engine.create(request, [](const EngineResult<std::string>&) {});
    REQUIRE(world.engine.containers.size() == 1);
    world.pass(61s);
    CHECK(world.engine.containers.empty());
}

TEST_CASE("an engine whose output can't be read at all does not hold its jobs up", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.refuses["logs"] = 1000;
    world.engine.end("c1", 0);
    world.pass(60s);
    REQUIRE(world.job(id).finish_status == FinishStatus::success);
}

TEST_CASE("an engine that refuses once to say what it remembers is asked again", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.remembers_starts = true;
    world.engine.refuses["remembers_start"] = 1;
    restart_engine(world, "c1");
    world.pass(10s);
    REQUIRE(world.job(id).finish_status == FinishStatus::failed);
    REQUIRE(world.job(id).exit_code == 137);
}

TEST_CASE("a name that fails at once does not make room for one job too many", "[dispatch]") {
    DispatchWorld world;
    world.engine.go_down();
    world.dispatcher->set_options({2, 0});
    for (const char* name : {"JOB_A", "test/busybox:1", "test/busybox:1", "test/busybox:1"})
        world.add(0s, {}, name);
    world.engine.is_down = false;
    world.pass(10s);
    auto running = world.store->running();
    REQUIRE(running);
    REQUIRE(running->size() == 2);
}

TEST_CASE("a hang is noticed while jobs run, and when someone asks", "[dispatch]") {
    DispatchWorld world;
    bool has_job = GENERATE(true, false);
    if (has_job) world.add(0s);
    world.engine.is_down = true;  // nobody is told
    world.pass(11s);
    if (!has_job) {
        REQUIRE(world.dispatcher->engine_status().is_up);
        world.dispatcher->look_after_engine();
        world.executor.run();
    }
    REQUIRE_FALSE(world.dispatcher->engine_status().is_up);
}

}  // namespace scheduler::test
