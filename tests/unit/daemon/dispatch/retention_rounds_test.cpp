/// Retention works in small steps: batches, slices of space, rounds of its own and orders.

#include "tests/support/retention_world.hpp"

namespace scheduler::test {

TEST_CASE("5,000 jobs go in batches, and a claim gets in between", "[retention]") {
    RetentionWorld world;
    world.fill_history(5000);
    JobId due = world.add(100ms);
    std::optional<Result<PruneReport>> answer;
    world.dispatcher->prune(
        by_count(0), false, [&](Result<PruneReport> done) { answer = std::move(done); });
    // Each batch is a commit of its own, so what is left shrinks by no more than one at a time.
    std::int64_t left = world.store->history_totals()->ended;
    std::int64_t left_at_claim = -1;
    REQUIRE(left == 5000);
    for (int step = 0; step < 2000 && !answer; ++step) {
        world.pass(100ms);
        (void)step;
        std::int64_t now_left = world.store->history_totals()->ended;
        // 100 ms are five pauses.
        CHECK(left - now_left <= 6 * Retention::jobs_a_batch);
        left = now_left;
        if (left_at_claim < 0 && world.job(due).status == JobStatus::running) left_at_claim = left;
    }
    REQUIRE(answer);
    CHECK((*answer)->jobs == 5000);
    CHECK(left_at_claim > 4000);
    CHECK(world.job(due).lateness_ms.value_or(-1) < 1000);
}

TEST_CASE("a batch holds as many jobs as it may, and says when there is one more", "[retention]") {
    RetentionWorld world;
    world.fill_history(1000);
    PruneBatch batch;
    batch.jobs_kept = 1000 - Retention::jobs_a_batch;
    PruneResult result;
    auto run = [&] {
        world.store->prune(batch, [&](Result<PruneResult> done) { result = *done; });
        world.executor.run();
    };
    SECTION("n") {
        run();
        CHECK(result.jobs == Retention::jobs_a_batch);
        CHECK_FALSE(result.has_more);
    }
    SECTION("n + 1") {
        --*batch.jobs_kept;
        run();
        CHECK(result.jobs == Retention::jobs_a_batch);
        CHECK(result.has_more);
    }
}

TEST_CASE("space is given back to the file system", "[retention]") {
    RetentionWorld world;
    world.fill_history(5000);
    auto pages = [&] {
        Database database(world.dir.path() / "db", Database::Mode::reader);
        Query query = database.query("PRAGMA page_count");
        REQUIRE(query.step());
        return query.integer(0);
    };
    auto before = pages();
    world.prune(by_count(0));
    CHECK(world.store->history_totals()->free_pages == 0);
    CHECK(pages() < before / 4);
}

TEST_CASE("a slice gives back so many pages, and says when there is one more", "[retention]") {
    RetentionWorld world;
    world.fill_history(2000);
    PruneBatch batch;
    batch.jobs_kept = 0;
    batch.jobs_max = 2000;
    world.store->prune(batch, [](const Result<PruneResult>&) {});
    world.executor.run();
    std::int64_t free = world.store->history_totals()->free_pages;
    REQUIRE(free > 20);
    bool has_more = false;
    auto give = [&](std::int64_t max, std::int64_t kept) {
        world.store->give_back_space(max, kept, [&](Result<bool> more) { has_more = *more; });
        world.executor.run();
    };
    give(10, free - 11);
    CHECK(has_more);
    CHECK(world.store->history_totals()->free_pages == free - 10);
    give(10, free - 11);
    CHECK_FALSE(has_more);
    CHECK(world.store->history_totals()->free_pages == free - 11);
}

TEST_CASE("the limits in force are kept without an order", "[retention]") {
    RetentionWorld world;
    world.set_limits({Duration(1h), 2, 1 << 20});
    JobId first = world.ran();
    JobId second = world.ran();
    JobId third = world.ran();
    world.pass(Retention::after_jobs_ended + 1s);
    CHECK_FALSE(world.is_there(first));
    CHECK(world.is_there(second));
    // Too old: looked at when that is so, though nothing ends any more.
    world.executor.run_for(1h + Retention::round_soonest, 1s);
    CHECK_FALSE(world.is_there(second));
    CHECK_FALSE(world.is_there(third));
}

TEST_CASE("a wall clock that jumps ahead does not cost the history at once", "[retention]") {
    RetentionWorld world;
    world.set_limits(by_age(24h * 30));
    JobId old = world.canceled();
    world.pass(Retention::after_jobs_ended + 1s);  // the clock was looked at
    TimePoint right = world.clock.now();
    world.clock.set(right + 24h * 365);
    world.dispatcher->jobs_ended();
    world.executor.run_for(Retention::clock_settles_in - 30s, 1s);
    CHECK(world.is_there(old));
    SECTION("it is put right") {
        world.clock.set(right);
        world.executor.run_for(2h, 10s);
        CHECK(world.is_there(old));
    }
    SECTION("it was right") {
        world.executor.run_for(2h, 10s);
        CHECK_FALSE(world.is_there(old));
    }
}

TEST_CASE("a clock that is wrong at the start does not cost the history at once", "[retention]") {
    RetentionWorld world;
    RetentionLimits limits = by_age(24h * 30);
    limits.history_count = 1;
    JobId oldest = world.canceled();
    world.clock.advance(1s);
    JobId old = world.canceled();
    TimePoint right = world.clock.now();
    world.crash();
    world.clock.set(right + 24h * 60);
    world.boot();
    world.set_limits(limits);
    world.executor.run_for(Retention::clock_settles_in - 30s, 1s);
    CHECK(world.is_there(old));
    CHECK_FALSE(world.is_there(oldest));  // by count, which no clock decides
    SECTION("it is put right") {
        world.clock.set(right);
        world.executor.run_for(2h, 10s);
        CHECK(world.is_there(old));
    }
    SECTION("a restart begins the wait anew") {
        world.crash();
        world.boot();
        world.set_limits(limits);
        world.executor.run_for(Retention::clock_settles_in - 30s, 1s);
        CHECK(world.is_there(old));
    }
    SECTION("it was right") {
        world.executor.run_for(2h, 10s);
        CHECK_FALSE(world.is_there(old));
    }
}

TEST_CASE("so many orders wait, one more is refused", "[retention]") {
    RetentionWorld world;
    world.fill_history(1000);
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < 1 + Retention::orders_waiting_max + 1; ++i)
        world.dispatcher->prune(by_count(0), false, [&](const Result<PruneReport>& done) {
            answers.push_back(done ? "done" : std::string(to_string(done.error().code)));
        });
    world.executor.run();
    // The first one is at work.
    CHECK(answers == std::vector<std::string>{"busy"});
    world.executor.run_for(20s, 20ms);
    CHECK(answers.size() == Retention::orders_waiting_max + 2);
    CHECK(std::count(answers.begin(), answers.end(), "busy") == 1);
}

TEST_CASE("orders that wait when the daemon stops are told so", "[retention]") {
    RetentionWorld world;
    world.fill_history(1000);
    std::string answer;
    world.dispatcher->prune(by_count(0), false, [&](const Result<PruneReport>& done) {
        answer = done ? "done" : std::string(to_string(done.error().code));
    });
    world.executor.run();
    world.dispatcher->stop();
    CHECK(answer == "unavailable");
}

TEST_CASE("ballast is made of blocks, once, and dropped", "[retention]") {
    TempDir dir;
    auto path = dir.path() / "ballast";
    Ballast ballast(path);
    CHECK_FALSE(ballast.drop());
    REQUIRE(ballast.make());
    auto size = std::filesystem::file_size(path);
    CHECK(size > 0);
    CHECK(size <= Ballast::bytes_max);
    REQUIRE(ballast.make());
    CHECK(ballast.drop());
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(Ballast("").make());
}

TEST_CASE("rounds of its own do not pile up behind one that takes long", "[retention]") {
    std::optional<Result<PruneReport>> answer;  // told at the latest when the world ends
    RetentionWorld world;
    world.engine.is_silent_on_lists = true;
    world.dispatcher->prune(by_count(0), false, [](const Result<PruneReport>&) {});
    for (int i = 0; i < 2 * Retention::orders_waiting_max; ++i) {
        world.set_limits(by_count(1'000'000 + i));  // wakes it
        world.pass(Retention::after_jobs_ended + 1s);
    }
    world.dispatcher->prune(
        by_count(0), false, [&](Result<PruneReport> done) { answer = std::move(done); });
    world.executor.run();
    CHECK_FALSE(answer);  // it waits, and is not refused
}

}  // namespace scheduler::test
