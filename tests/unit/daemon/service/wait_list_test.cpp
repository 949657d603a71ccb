/// Waits with the real store, in one thread, on a clock that the test owns.

#include "daemon/service/wait_list.hpp"

#include <catch2/catch.hpp>

#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

struct Waiting {
    Waiting() {
        auto opened = SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}});
        REQUIRE(opened);
        store = std::move(*opened);
        store->on_commit([this](const std::vector<CommittedEvent>& e) { events.committed(e); });
        waits = std::make_shared<WaitList>(*store, events, clock, executor);
        NewJob job{"a", {}, clock.now(), clock.now() + 1h, {}, {}, "test"};
        store->insert({job}, [&](Result<std::vector<AddedJob>> added) {
            REQUIRE(added);
            id = added->front().job.id;
        });
        executor.run();
    }
    WaitToken wait(Duration longest) {
        return waits->add(
            id, longest, [this](Result<Job> job) { answers.push_back(std::move(job)); });
    }

    test::TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    EventHub events;
    std::unique_ptr<SqliteStore> store;
    std::shared_ptr<WaitList> waits;
    JobId id;
    std::vector<Result<Job>> answers;
};

TEST_CASE("a wait is answered at the job's end, once", "[service]") {
    Waiting world;
    auto token = world.wait(10s);
    world.executor.run();
    REQUIRE(world.answers.empty());
    world.store->cancel(world.id, world.clock.now(), "test", [](Result<Done>) {});
    world.executor.run_for(20s);
    REQUIRE(world.answers.size() == 1);
    CHECK(world.answers[0].value().status == JobStatus::canceled);
}

TEST_CASE("a wait is answered at its own end with the job as it is", "[service]") {
    Waiting world;
    auto first = world.wait(2s);
    auto second = world.wait(1s);
    world.executor.run_for(900ms);
    REQUIRE(world.answers.empty());
    world.executor.run_for(200ms);
    REQUIRE(world.answers.size() == 1);
    world.executor.run_for(1s);
    REQUIRE(world.answers.size() == 2);
    CHECK(world.answers[1].value().status == JobStatus::scheduled);
}

TEST_CASE("whoever drops the token waits no longer", "[service]") {
    Waiting world;
    auto token = world.wait(1s);
    token.reset();
    world.executor.run_for(2s);
    CHECK(world.answers.empty());
}

TEST_CASE("as many may wait as there are watches, and dropped ones make room", "[service]") {
    Waiting world;
    std::vector<WaitToken> tokens;
    for (std::size_t i = 0; i < EventHub::watches_max; ++i)
        tokens.push_back(world.wait(10min));
    REQUIRE(world.answers.empty());
    (void)world.wait(10min);
    REQUIRE(world.answers.size() == 1);
    CHECK(world.answers[0].error().code == ErrorCode::busy);
    tokens.clear();
    auto token = world.wait(10min);
    CHECK(world.answers.size() == 1);
}

}  // namespace
}  // namespace scheduler
