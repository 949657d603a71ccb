/// The output of a job while it runs.

#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

TEST_CASE("a followed output that breaks alone is followed again", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    REQUIRE(world.engine.follows == 1);
    world.engine.break_follows();
    world.pass(2s);
    CHECK(world.engine.follows == 2);
    CHECK(world.job(id).status == JobStatus::running);
}

TEST_CASE("who wants a running job's output gets what it printed so far", "[dispatch]") {
    DispatchWorld world;
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
    DispatchWorld world;
    JobId id = world.add(1h);
    bool is_there = false;
    world.dispatcher->want_output(id, [&] { is_there = true; });
    world.executor.run();
    CHECK(is_there);
}

}  // namespace scheduler::test
