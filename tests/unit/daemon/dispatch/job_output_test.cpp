/// The output of a job while it runs.

#include <filesystem>
#include <fstream>

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
    world.executor.run();
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

TEST_CASE("who wants the output of a job that has just ended waits until it is stored",
          "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.only().output = "all of it\n";
    world.engine.refuses["logs"] = 1;  // asked again a second later
    world.engine.end("c1", 0);
    world.executor.run();
    REQUIRE(world.job(id).status == JobStatus::running);
    bool is_there = false;
    world.dispatcher->want_output(id, [&] {
        is_there = true;
        CHECK(world.job(id).status == JobStatus::finished);
    });
    world.executor.run();
    CHECK_FALSE(is_there);
    world.pass(2s);
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

namespace {

std::string output_of(DispatchWorld& world, JobId id) {
    std::string text;
    auto reader = world.spool->open_reader(id, 1);
    for (auto record = reader->next(); record && *record; record = reader->next())
        text += (*record)->bytes;
    return text;
}

}  // namespace

TEST_CASE("output that was followed whole is not read a second time", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.only().output = "one\ntwo\n";
    world.engine.end("c1", 0);
    world.executor.run();
    CHECK(world.job(id).finish_status == FinishStatus::success);
    CHECK(output_of(world, id) == "one\ntwo\n");
    CHECK(world.engine.readings == 0);
}

TEST_CASE("a last piece that the followed output lacks is added", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.only().output = "one\ntwo\n";
    world.engine.bring_output("c1");
    world.engine.only().output = "one\ntwo\nunterminated";
    world.engine.follow_loses_end = true;
    world.engine.end("c1", 0);
    world.executor.run();
    CHECK(output_of(world, id) == "one\ntwo\nunterminated");
    CHECK(world.engine.readings == 0);
}

TEST_CASE("output whose end can't be placed is read again", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.only().output = "same\nsame\n";
    world.engine.bring_output("c1");
    world.engine.only().output = "same\nsame\nsame\n";
    world.engine.follow_loses_end = true;
    world.engine.end("c1", 0);
    world.executor.run();
    CHECK(output_of(world, id) == "same\nsame\nsame\n");
    CHECK(world.engine.readings == 1);
}

TEST_CASE("a followed output that does not end with its job is given up", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.follow_hangs = true;
    world.engine.follow_loses_end = true;
    world.engine.only().output = "one\n";
    world.engine.end("c1", 0);
    world.executor.run();
    CHECK(world.job(id).status == JobStatus::running);
    world.pass(3s);
    CHECK(world.job(id).status == JobStatus::finished);
    CHECK(output_of(world, id) == "one\n");
}

TEST_CASE("what waits for a full disk is done as soon as that has space", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.engine.only().output = "kept\n";
    // No file can be made there: for the job this is as a disk that is full.
    std::ofstream(world.dir.path() / "logs") << "in the way";
    world.engine.end("c1", 0);
    world.pass(200s);
    REQUIRE(world.job(id).status == JobStatus::running);
    REQUIRE(std::filesystem::remove(world.dir.path() / "logs"));
    int readings = world.engine.readings;
    world.dispatcher->disk_has_space();
    world.executor.run();
    CHECK(world.job(id).finish_status == FinishStatus::success);
    CHECK(world.engine.readings == readings + 1);
    auto record = world.spool->open_reader(id, 1)->next();
    REQUIRE(record);
    REQUIRE(*record);
    CHECK((*record)->bytes == "kept\n");
    // The timer of the attempt before finds nothing to do.
    world.pass(60s);
    CHECK(world.engine.readings == readings + 1);
}

TEST_CASE("a second reader waits, too, until what was printed is followed", "[dispatch]") {
    DispatchWorld world;
    JobId id = world.add(0s);
    world.pass(2s);
    world.engine.only().output = "so far\n";
    int shown = 0;
    world.dispatcher->want_output(id, [&] { ++shown; });
    world.executor.run();
    CHECK(shown == 0);  // counted, not followed so far
    world.dispatcher->want_output(id, [&] { ++shown; });
    world.executor.run();
    CHECK(shown == 0);
    world.engine.bring_output("c1");
    world.executor.run();
    CHECK(shown == 2);
}

}  // namespace scheduler::test
