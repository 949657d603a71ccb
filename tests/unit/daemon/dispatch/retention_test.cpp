/// History and stored output stay within their limits, in small steps, whatever happens in between.

#include "daemon/dispatch/retention.hpp"

#include <fstream>

#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {
namespace {

/// The dispatcher's world with a history to shorten.
struct World : DispatchWorld {
    /// A job that ran and printed so much; its row has ended.
    JobId ran(std::size_t bytes = 0) {
        JobId id = add(0s);
        auto container = job(id).container_id;
        REQUIRE(container);
        engine.containers.at(*container).output = std::string(bytes, 'x');
        engine.end(*container, 0);
        executor.run();
        REQUIRE(has_ended(job(id).status));
        return id;
    }
    JobId canceled() {
        JobId id = add(1h);
        store->cancel(id, clock.now(), "test", [](const Result<Done>&) {});
        executor.run();
        return id;
    }
    void fill_history(int jobs) {
        std::vector<NewJob> batch(
            1000, NewJob{"busybox", {}, clock.now(), clock.now() + 1h, {}, {}, "t"});
        for (int done = 0; done < jobs; done += 1000)
            store->insert(batch, [&](Result<std::vector<AddedJob>> added) {
                for (const AddedJob& one : *added)
                    store->cancel(one.job.id, clock.now(), "test", [](const Result<Done>&) {});
            });
        executor.run();
    }
    std::optional<Result<PruneReport>> order(RetentionLimits limits, bool dry_run = false) {
        std::optional<Result<PruneReport>> answer;
        dispatcher->prune(
            limits, dry_run, [&](Result<PruneReport> done) { answer = std::move(done); });
        executor.run_for(10s, 20ms);
        return answer;
    }
    PruneReport prune(RetentionLimits limits, bool dry_run = false) {
        auto answer = order(limits, dry_run);
        REQUIRE(answer);
        REQUIRE(*answer);
        return **answer;
    }
    void set_limits(RetentionLimits limits) {
        DispatchOptions options;
        options.retention = limits;
        dispatcher->set_options(options);
    }
    bool is_there(JobId id) { return store->find(JobRef{id.to_string()}, "").has_value(); }
    std::int64_t in_states() {
        std::int64_t sum = 0;
        auto counts = *store->counts();
        for (const auto& [state, count] : counts)
            sum += count;
        return sum;
    }
};

RetentionLimits by_age(Duration age) {
    RetentionLimits limits;
    limits.history_age = age;
    return limits;
}
RetentionLimits by_count(std::int64_t count) {
    RetentionLimits limits;
    limits.history_count = count;
    return limits;
}
RetentionLimits by_bytes(std::int64_t bytes) {
    RetentionLimits limits;
    limits.log_total = bytes;
    return limits;
}

TEST_CASE("a job that ended as long ago as is kept stays, one older goes", "[retention]") {
    World world;
    JobId job = world.canceled();
    world.clock.advance(1h);
    // The order begins at once, so no time passes in between.
    CHECK(world.prune(by_age(1h)).jobs == 0);
    CHECK(world.is_there(job));
    world.clock.advance(1ms);
    CHECK(world.prune(by_age(1h)).jobs == 1);
    CHECK_FALSE(world.is_there(job));
}

TEST_CASE("as many jobs as are kept stay, of one more the oldest goes", "[retention]") {
    World world;
    JobId oldest = world.canceled();
    world.clock.advance(1s);
    JobId newer = world.canceled();
    CHECK(world.prune(by_count(2)).jobs == 0);
    CHECK(world.prune(by_count(1)).jobs == 1);
    CHECK_FALSE(world.is_there(oldest));
    CHECK(world.is_there(newer));
    CHECK(world.prune(by_count(0)).jobs == 1);
    CHECK_FALSE(world.is_there(newer));
}

TEST_CASE("output as large as is kept stays, of one byte more the oldest goes", "[retention]") {
    World world;
    JobId first = world.ran(1000);
    world.clock.advance(1s);
    JobId second = world.ran(1000);
    std::int64_t stored = world.store->history_totals()->output_bytes;
    REQUIRE(stored > 2000);
    CHECK(world.prune(by_bytes(stored)).outputs == 0);
    CHECK(world.spool->has_output(first, 1));

    auto report = world.prune(by_bytes(stored - 1));
    CHECK(report.outputs == 1);
    CHECK(report.jobs == 0);
    CHECK(report.output_bytes == stored / 2);
    CHECK_FALSE(world.spool->has_output(first, 1));
    CHECK(world.spool->has_output(second, 1));
    CHECK(world.job(first).output_removed_at);
    CHECK(world.job(first).finish_status == FinishStatus::success);
    CHECK_FALSE(world.job(second).output_removed_at);
    CHECK(world.store->history_totals()->output_bytes == stored / 2);
}

TEST_CASE("what is not ended is never touched", "[retention]") {
    World world;
    JobId ran = world.ran(10);
    JobId scheduled = world.add(1h);
    JobId running = world.add(0s);
    world.canceled();
    auto report = world.prune({Duration(0), 0, 0});
    // An age of 0 means ended before this moment.
    CHECK(report.jobs == 2);
    CHECK_FALSE(world.is_there(ran));
    CHECK(world.job(scheduled).status == JobStatus::scheduled);
    CHECK(world.job(running).status == JobStatus::running);
    CHECK(world.in_states() == 2);
    CHECK(world.store->history_totals()->purged == 2);
    // What goes on is as if nothing had been removed.
    world.engine.end(*world.job(running).container_id, 0);
    world.executor.run();
    CHECK(world.job(running).finish_status == FinishStatus::success);
}

TEST_CASE("a job goes with its attempts, events and output, and is counted", "[retention]") {
    World world;
    JobId id = world.ran(100);
    CHECK(world.spool->has_output(id, 1));
    CHECK(world.prune(by_count(0)).output_bytes > 100);
    CHECK_FALSE(world.spool->has_output(id, 1));
    CHECK(world.store->events_after(0, {}, 100)->empty());
    CHECK(world.store->removals(10)->empty());
    auto totals = world.store->history_totals();
    CHECK(totals->ended == 0);
    CHECK(totals->purged == 1);
    CHECK(totals->output_bytes == 0);
    CHECK((*world.store->counts())["success"] == 0);
    Database database(world.dir.path() / "db", Database::Mode::reader);
    Query attempts = database.query("SELECT count(*) FROM attempt");
    REQUIRE(attempts.step());
    CHECK(attempts.integer(0) == 0);
}

TEST_CASE("events go on where they were, also when none of them is left", "[retention]") {
    World world;
    JobId kept = world.add(1h);  // event 1
    world.ran();                 // events 2 to 4
    CHECK(*world.store->first_event() == 1);
    world.prune(by_count(0));
    CHECK(*world.store->last_event() == 4);
    // Event 1 is there, but whoever saw it last has missed three.
    CHECK(*world.store->first_event() == 5);
    CHECK(world.store->events_after(0, kept, 10)->size() == 1);
    world.add(1h);
    CHECK(*world.store->last_event() == 5);
    CHECK(world.store->events_after(4, {}, 10)->front().seq == 5);
}

TEST_CASE("files whose removal a crash cut short are removed after the next start", "[retention]") {
    World world;
    JobId id = world.ran(100);
    PruneBatch batch;
    batch.jobs_kept = 0;
    std::vector<Removal> removals;
    world.store->prune(batch, [&](Result<PruneResult> done) { removals = done->removals; });
    world.executor.run();
    REQUIRE(removals.size() == 1);
    REQUIRE(world.spool->has_output(id, 1));  // the row is gone, the file is not
    world.crash();
    world.boot();
    world.pass(Retention::after_jobs_ended + 1s);
    CHECK_FALSE(world.spool->has_output(id, 1));
    CHECK(world.store->removals(10)->empty());
}

TEST_CASE("5,000 jobs go in batches, and a claim gets in between", "[retention]") {
    World world;
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
    World world;
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
    World world;
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
    World world;
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

TEST_CASE("a row stays while nobody knows whether its container is left", "[retention]") {
    World world;
    JobId ran = world.ran();
    JobId canceled = world.canceled();
    world.crash();
    world.engine.is_down = true;
    world.boot();
    world.clock.advance(1h);
    auto report = world.prune(by_age(1s));
    CHECK(report.jobs == 1);
    CHECK_THAT(report.warning, Catch::Matchers::Contains("until the engine"));
    CHECK(world.is_there(ran));
    CHECK_FALSE(world.is_there(canceled));
    world.engine.is_down = false;
    world.pass(60s);
    CHECK(world.prune(by_age(1s)).jobs == 1);
    CHECK_FALSE(world.is_there(ran));
}

TEST_CASE("a prune removes containers of ended jobs that were left over", "[retention]") {
    World world;
    JobId ran = world.ran();
    auto& left = world.engine.containers["left"];
    left.name = "schedulerd-left-1";
    left.state.id = "left";
    left.state.phase = ContainerState::Phase::ended;
    left.state.labels = {{"schedulerd.job", ran.to_string()}};
    auto& foreign = world.engine.containers["foreign"];
    foreign.state.id = "foreign";
    foreign.state.labels = {{"schedulerd.job", std::string(32, '1')}};
    CHECK(world.prune(by_count(0), true).containers == 1);
    CHECK(world.engine.containers.count("left") == 1);
    CHECK(world.prune(by_count(0)).containers == 1);
    CHECK(world.engine.containers.count("left") == 0);
    CHECK(world.engine.containers.count("foreign") == 1);  // without a row: reported, not touched
}

TEST_CASE("a dry run says what a prune then does", "[retention]") {
    World world;
    world.fill_history(3000);
    for (int i = 0; i < 3; ++i) {
        world.clock.advance(1s);
        world.ran(500);
    }
    RetentionLimits limits;
    limits.history_count = 2;  // one that ran goes with the others
    limits.log_total = world.store->history_totals()->output_bytes / 3;
    auto said = world.prune(limits, true);
    CHECK(world.store->history_totals()->ended == 3003);
    auto did = world.prune(limits);
    CHECK(did.jobs == 3001);
    CHECK(did.outputs == 1);
    CHECK(said.jobs == did.jobs);
    CHECK(said.outputs == did.outputs);
    CHECK(said.output_bytes == did.output_bytes);
}

TEST_CASE("the limits in force are kept without an order", "[retention]") {
    World world;
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
    World world;
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

TEST_CASE("so many orders wait, one more is refused", "[retention]") {
    World world;
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
    World world;
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

}  // namespace
}  // namespace scheduler::test
