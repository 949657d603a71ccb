/// History and stored output stay within their limits: what goes, what stays, and with what.

#include "tests/support/retention_world.hpp"

namespace scheduler::test {

TEST_CASE("a job that ended as long ago as is kept stays, one older goes", "[retention]") {
    RetentionWorld world;
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
    RetentionWorld world;
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
    RetentionWorld world;
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
    RetentionWorld world;
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
    RetentionWorld world;
    JobId id = world.ran(100);
    CHECK(world.spool->has_output(id, 1));
    CHECK(world.prune(by_count(0)).output_bytes > 100);
    CHECK_FALSE(world.spool->has_output(id, 1));
    CHECK(world.store->events_after(0, {}, 100)->empty());
    CHECK(world.store->removals({}, 10)->empty());
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
    RetentionWorld world;
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
    RetentionWorld world;
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
    CHECK(world.store->removals({}, 10)->empty());
}

TEST_CASE("files that can't be removed do not keep others from being removed", "[retention]") {
    RetentionWorld world;
    std::vector<JobId> jobs;
    for (std::int64_t i = 0; i < Retention::jobs_a_batch + 1; ++i)
        jobs.push_back(world.ran(1));
    PruneBatch all;
    all.jobs_kept = 0;
    all.jobs_max = 1000;
    world.store->prune(all, [](const Result<PruneResult>&) {});
    world.executor.run();
    std::sort(jobs.begin(), jobs.end());
    auto file_of = [&](JobId id) {
        std::string hex = id.to_string();
        return world.dir.path() / "logs" / hex.substr(30) / (hex + ".1");
    };
    for (std::int64_t i = 0; i < Retention::jobs_a_batch; ++i) {
        // A directory with something in it, where the file was.
        std::filesystem::remove(file_of(jobs[i]));
        std::filesystem::create_directories(file_of(jobs[i]) / "in the way");
    }
    REQUIRE(world.spool->has_output(jobs.back(), 1));
    world.prune({});
    CHECK_FALSE(world.spool->has_output(jobs.back(), 1));
    CHECK(world.store->removals({}, 1000)->size() == jobs.size() - 1);
    CHECK(world.store->removals(jobs[1], 3)->front().id == jobs[2]);
}

TEST_CASE("a row stays while nobody knows whether its container is left", "[retention]") {
    RetentionWorld world;
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
    RetentionWorld world;
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
    RetentionWorld world;
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

TEST_CASE("a dry run counts the output of older jobs that stay", "[retention]") {
    RetentionWorld world;
    JobId old = world.ran(500);
    world.clock.advance(1s);
    JobId newer = world.canceled();
    std::int64_t bytes = world.store->history_totals()->output_bytes;
    SECTION("since nobody knows which containers are left") {
        world.crash();
        world.engine.is_down = true;
        world.boot();
        world.clock.advance(1h);
        RetentionLimits limits = by_age(1s);
        limits.log_total = 0;
        auto said = world.prune(limits, true);
        auto did = world.prune(limits);
        CHECK(did.jobs == 1);
        CHECK(did.outputs == 1);
        CHECK(said.jobs == did.jobs);
        CHECK(said.outputs == did.outputs);
        CHECK(said.output_bytes == did.output_bytes);
    }
    SECTION("since its run is not over") {
        OutputPreview look;
        look.after = {world.job(newer).finished_at->at, world.job(newer).number};
        CHECK(world.store->preview_prune_output(look)->jobs == 0);
        look.but_these = {newer, old};
        CHECK(world.store->preview_prune_output(look)->jobs == 1);
        CHECK(world.store->preview_prune_output(look)->output_bytes == bytes);
        look.bytes_kept = bytes;
        CHECK(world.store->preview_prune_output(look)->jobs == 0);
    }
}

TEST_CASE("a container that can't be removed keeps its own job alone", "[retention]") {
    RetentionWorld world;
    JobId kept = world.add(0s);
    world.engine.refuses["remove"] = 1'000'000;
    world.engine.end("c1", 0);
    world.pass(1s);
    REQUIRE(has_ended(world.job(kept).status));
    JobId other = world.canceled();
    auto report = world.prune(by_count(0));
    CHECK(report.jobs == 1);
    CHECK(report.warning.find("1 job is kept whose container could not be removed") !=
          std::string::npos);
    CHECK(world.is_there(kept));
    CHECK_FALSE(world.is_there(other));

    world.engine.refuses.clear();
    CHECK(world.prune(by_count(0)).jobs == 1);
    CHECK_FALSE(world.is_there(kept));
}

TEST_CASE("an order without limits of its own believes no clock that was just set", "[retention]") {
    RetentionWorld world;
    world.set_limits(by_age(24h));
    JobId job = world.canceled();
    world.pass(Retention::clock_settles_in + 1min);
    auto prune = [&](std::optional<RetentionLimits> limits) {
        std::optional<Result<PruneReport>> answer;
        world.dispatcher->prune(
            limits, false, [&](Result<PruneReport> done) { answer = std::move(done); });
        world.executor.run_for(10s, 20ms);
        REQUIRE(answer);
        REQUIRE(*answer);
        return **answer;
    };
    CHECK(prune(std::nullopt).warning.empty());
    world.clock.set(world.clock.now() + 365 * 24h);
    auto report = prune(std::nullopt);
    CHECK(report.jobs == 0);
    CHECK(report.warning.find("10 minutes") != std::string::npos);
    CHECK(world.is_there(job));
    CHECK(prune(by_age(24h)).jobs == 1);
}

}  // namespace scheduler::test
