/// The wall clock is set while jobs wait and run. A timerfd tells the daemon (wall_timer.hpp); here
/// its ring does.

#include "tests/support/dispatch_world.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using test::DispatchWorld;

void set_clock(DispatchWorld& world, Duration by) {
    world.clock.set(world.clock.now() + by);
    world.dispatcher->due_timer_rang();
    world.executor.run();
}

int count(DispatchWorld& world, const std::vector<JobId>& jobs, JobStatus status) {
    int found = 0;
    for (JobId id : jobs)
        found += world.job(id).status == status ? 1 : 0;
    return found;
}

TEST_CASE("a clock set forward starts what is due by it, as many as there are slots", "[clock]") {
    DispatchWorld world;
    world.dispatcher->set_options({2, 0});
    std::vector<JobId> jobs;
    for (int i = 0; i < 6; ++i)
        jobs.push_back(world.add(1h));
    JobId later = world.add(48h);
    set_clock(world, 24h);
    CHECK(count(world, jobs, JobStatus::running) == 2);
    for (int round = 0; round < 2; ++round) {
        for (JobId id : jobs)
            if (auto job = world.job(id); job.status == JobStatus::running)
                world.engine.end(*job.container_id, 0);
        world.executor.run();
        CHECK(count(world, jobs, JobStatus::running) == 2);
    }
    CHECK(world.job(later).status == JobStatus::scheduled);
    CHECK(world.timer.when == world.job(later).due_at.at);
}

TEST_CASE("a clock set back starts nothing before it says so, and waits quietly", "[clock]") {
    DispatchWorld world;
    JobId id = world.add(10s);
    const TimePoint due = world.job(id).due_at.at;
    for (Duration back : {1h, 24h * 365}) {
        set_clock(world, -back);
        world.pass(60s);
        CHECK(world.job(id).status == JobStatus::scheduled);
        CHECK(world.timer.when == due);
    }
    world.clock.set(due - 1ms);
    world.dispatcher->due_timer_rang();
    world.executor.run();
    CHECK(world.job(id).status == JobStatus::scheduled);
    set_clock(world, 1ms);
    CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("what was due before the clock was set back waits until it is due again", "[clock]") {
    DispatchWorld world;
    world.dispatcher->set_options({1, 0});
    JobId first = world.add(1s);
    JobId second = world.add(1s);
    world.pass(2s);  // the second is due, and waits for the slot
    REQUIRE(world.job(second).status == JobStatus::scheduled);
    set_clock(world, -1h);
    world.engine.end(*world.job(first).container_id, 0);
    world.executor.run();
    CHECK(world.job(first).status == JobStatus::finished);
    world.pass(5s);
    CHECK(world.job(second).status == JobStatus::scheduled);
    set_clock(world, 1h);
    CHECK(world.job(second).status == JobStatus::running);
}

TEST_CASE("a job that runs across a step of the clock ends after it started", "[clock]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    REQUIRE(world.job(id).status == JobStatus::running);
    set_clock(world, -24h);
    world.engine.end(*world.job(id).container_id, 0);
    world.executor.run();
    Job job = world.job(id);
    REQUIRE(job.status == JobStatus::finished);
    CHECK(job.finished_at->at >= job.started_at->at);
}

TEST_CASE("a clock that is set ends no job before or after its timeout", "[clock]") {
    auto jump = GENERATE(Duration(2h), Duration(-365 * 24h));
    DispatchWorld world;
    JobId id = world.add_limited(1h);
    world.pass(1min);
    set_clock(world, jump);
    world.pass(58min);
    CHECK(world.job(id).status == JobStatus::running);
    world.pass(2min);
    CHECK(world.job(id).finish_status == FinishStatus::timed_out);
}

TEST_CASE("a clock that was set back before a restart leaves no more than the timeout", "[clock]") {
    DispatchWorld world;
    JobId id = world.add_limited(10min);
    world.pass(1s);
    set_clock(world, -365 * 24h);
    world.crash();
    world.boot();
    world.pass(9min);
    CHECK(world.job(id).status == JobStatus::running);
    world.pass(2min);
    CHECK(world.job(id).finish_status == FinishStatus::timed_out);
}

}  // namespace
}  // namespace scheduler
