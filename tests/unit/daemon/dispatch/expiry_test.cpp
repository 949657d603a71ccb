/// Jobs that are not started in their time: whatever kept them, they end, and say what it was.

#include "tests/support/dispatch_world.hpp"

namespace scheduler {
namespace {

using namespace test;

/// With one slot, which can be taken.
struct Waiting : DispatchWorld {
    Waiting() {
        crash();
        max_running = 1;
        boot();
    }
    static JobSpec expiring(Duration after) {
        JobSpec spec;
        spec.expires = Span{after};
        return spec;
    }
    JobId add_expiring(Duration in, Duration after) {
        JobId id = add(in, expiring(after));
        dispatcher->wake_at(job(id).due_at.at, job(id).due_at.at + after);
        executor.run();
        return id;
    }
    void take_slot() { REQUIRE(job(add(0s)).status == JobStatus::running); }
    void free_slot() {
        for (auto& [id, container] : engine.containers)
            if (container.state.phase == FakeEngine::Phase::running) return engine.end(id, 0);
        FAIL("nothing runs");
    }
    void pause(std::optional<TimePoint> until = std::nullopt) {
        store->set_pause({.paused = true, .until = until}, [](const Result<PauseChange>&) {});
        executor.run();
    }
    std::string error_of(JobId id) {
        Job ended = job(id);
        CHECK(ended.status == JobStatus::canceled);
        CHECK(ended.finish_status == FinishStatus::did_not_run);
        return ended.error.value_or("none");
    }
    /// It waits until then, and no longer.
    void check_it_expires_in(JobId id, Duration left) {
        pass(left - 100ms);
        CHECK(waits(id));
        pass(100ms);
        CHECK_FALSE(waits(id));
    }
    [[nodiscard]] bool waits(JobId id) { return job(id).status == JobStatus::scheduled; }
    void make_due(JobId id) {
        store->make_due(id, clock.now(), [&](Result<std::optional<TimePoint>> expires_at) {
            REQUIRE(expires_at);
            dispatcher->wake_at(clock.now(), *expires_at);
        });
        executor.run();
    }
    void edit(JobId id, JobEdit change) {
        store->edit(id, std::move(change), [&](Result<Job> edited) {
            REQUIRE(edited);
            dispatcher->wake_at(edited->due_at.at,
                                expiry_of(edited->due_at.at, edited->created_at.at, *edited->spec));
        });
        executor.run();
    }
};

constexpr const char* within_5s = "it expired: it was not started within 5s after it was due";

}  // namespace

TEST_CASE_METHOD(Waiting, "a job expires when it was not started in its time", "[dispatch]") {
    take_slot();
    JobId id = add_expiring(2s, 5s);
    JobId patient = add(2s);
    check_it_expires_in(id, 7s);
    CHECK(error_of(id) == std::string(within_5s) + " (the only slot was taken)");
    CHECK(job(id).finished_at->at == clock.now());
    CHECK(waits(patient));
    auto told = store->events_after(0, id, 10);
    REQUIRE(told);
    CHECK(told->back().reason == job(id).error);
    CHECK((*store->counts())["did_not_run"] == 1);
    CHECK_FALSE(timer.when);  // there is nothing more to ring for
    free_slot();
    pass(1s);
    CHECK(job(patient).status == JobStatus::running);
    CHECK(error_of(id).starts_with("it expired"));
}

TEST_CASE_METHOD(Waiting, "one that is started in its time does not expire", "[dispatch]") {
    take_slot();
    JobId id = add_expiring(0s, 5s);
    pass(4800ms);
    free_slot();
    pass(100ms);
    CHECK(job(id).status == JobStatus::running);
    pass(10s);
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Waiting, "a claim takes nothing that has expired, swept or not", "[dispatch]") {
    clock.advance(1s);
    JobId id = add(0s, expiring(5s));  // the dispatcher starts it at once
    crash();
    store =
        std::move(*SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}}));
    NewJob waiting{"test/busybox:1", expiring(5s), clock.now(), clock.now(), {}, {}, "test"};
    store->insert({waiting, waiting},
                  [](const Result<std::vector<AddedJob>>& all) { REQUIRE(all); });
    executor.run();
    auto claim_at = [&](TimePoint now, int most) {
        ClaimResult result;
        store->claim_due({now, most, "engine-1"}, [&](Result<ClaimResult> claimed) {
            REQUIRE(claimed);
            result = *claimed;
        });
        executor.run();
        return result;
    };
    CHECK(claim_at(clock.now() + 4999ms, 1).jobs.size() == 1);
    ClaimResult late = claim_at(clock.now() + 5s, 10);
    CHECK(late.jobs.empty());
    CHECK_FALSE(late.is_paused);
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Waiting, "a job that expires says what kept it", "[dispatch]") {
    SECTION("a pause") {
        pause();
        JobId id = add_expiring(0s, 5s);
        pass(5s);
        CHECK(error_of(id) == std::string(within_5s) + " (paused)");
    }
    SECTION("a hold, whatever else there is") {
        take_slot();
        JobId id = add_expiring(2s, 5s);
        store->hold(id, "uid:1", [](Result<Done> done) { REQUIRE(done); });
        pass(7s);
        CHECK(error_of(id) == std::string(within_5s) + " (it was held)");
        CHECK_FALSE(job(id).held_by);
    }
    SECTION("an engine that is away, while the slot is taken") {
        take_slot();
        engine.go_down();
        JobId id = add_expiring(0s, 5s);
        pass(5s);
        CHECK(error_of(id) == std::string(within_5s) + " (the engine was unreachable)");
    }
    SECTION("a daemon that was not there") {
        JobId id = add_expiring(2s, 5s);
        crash();
        clock.advance(7s);
        boot();
        CHECK(error_of(id) == std::string(within_5s) + " (schedulerd was not running)");
    }
    SECTION("a daemon that was not there, and came back in time") {
        JobId id = add_expiring(2s, 5s);
        crash();
        clock.advance(6900ms);
        boot();
        pass(100ms);
        CHECK(job(id).status == JobStatus::running);
    }
}

TEST_CASE_METHOD(Waiting, "when a job expires follows its due time and its changes", "[dispatch]") {
    take_slot();
    SECTION("a later one") {
        JobId id = add_expiring(2s, 5s);
        edit(id, {.due_at = clock.now() + 10s});
        check_it_expires_in(id, 15s);
    }
    SECTION("now") {
        JobId id = add_expiring(1h, 5s);
        pass(1s);
        make_due(id);
        check_it_expires_in(id, 5s);
    }
    SECTION("now, of one that was due already: it keeps its end") {
        JobId id = add_expiring(0s, 5s);
        pass(3s);
        make_due(id);
        check_it_expires_in(id, 2s);
    }
    SECTION("a shorter time") {
        JobId id = add_expiring(0s, 1h);
        edit(id, {.change_spec = [](const Job&) { return expiring(5s); }});
        check_it_expires_in(id, 5s);
    }
    SECTION("none any more") {
        JobId id = add_expiring(0s, 5s);
        edit(id, {.change_spec = [](const Job&) { return JobSpec(); }});
        pass(1min);
        CHECK(waits(id));
    }
    SECTION("a date in the past: from when it was added") {
        NewJob late{"test/busybox:1", expiring(5s), clock.now(), clock.now() - 1h, {}, {}, "test"};
        JobId id;
        store->insert({late}, [&](Result<std::vector<AddedJob>> added) {
            REQUIRE(added);
            id = added->front().job.id;
        });
        executor.run();
        dispatcher->wake_at(clock.now() - 1h, clock.now() + 5s);
        executor.run();
        check_it_expires_in(id, 5s);
        CHECK(error_of(id).starts_with(within_5s));
    }
    SECTION("a clock that is set ahead") {
        JobId id = add_expiring(0s, 1h);
        REQUIRE(timer.when);  // else nobody hears of it
        clock.set(clock.now() + 2h);
        dispatcher->due_timer_rang();
        executor.run();
        CHECK_FALSE(waits(id));
    }
}

TEST_CASE_METHOD(Waiting,
                 "any number of jobs expire at once, and keep no other waiting",
                 "[dispatch]") {
    constexpr auto step = static_cast<std::size_t>(ExpiryLimits().jobs_max);
    crash();
    store =
        std::move(*SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}}));
    NewJob late{"test/busybox:1", expiring(5s), clock.now(), clock.now(), {}, {}, "test"};
    NewJob live{"test/busybox:1", {}, clock.now(), clock.now() + 5s, {}, {}, "test"};
    std::vector<NewJob> jobs(2 * step + 1, late);
    jobs.push_back(live);
    JobId last;
    store->insert(jobs, [&](Result<std::vector<AddedJob>> added) {
        REQUIRE(added);
        last = added->back().job.id;
    });
    executor.run();
    store.reset();
    clock.advance(1h);
    boot();
    CHECK((*store->counts())["did_not_run"] == static_cast<std::int64_t>(2 * step + 1));
    CHECK(job(last).status == JobStatus::running);
    auto told = store->events_after(0, last, 10);
    REQUIRE(told);
    CHECK(told->back().reason == "schedulerd was not running");
    CHECK_FALSE(timer.when);
}

TEST_CASE_METHOD(Waiting,
                 "a timer that is set for an expiry takes no due time's ring away",
                 "[dispatch]") {
    JobId id = add(5s);
    clock.advance(5s);  // the timer has not rung yet
    dispatcher->wake_at(clock.now() + 1h, clock.now() + 2h);
    executor.run();
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Waiting,
                 "a restored copy says of what expires that the original may have run it",
                 "[dispatch]") {
    JobId id = add_expiring(2s, 5s);
    JobId asked_for = add_expiring(1h, 5s);
    std::string highest = std::to_string(job(asked_for).number);
    store->set_meta("restore_fence", highest, [](Result<Done> done) { REQUIRE(done); });
    pause();
    pass(3s);
    make_due(asked_for);
    pass(5s);
    CHECK(error_of(id).starts_with("it came due before this restored daemon was resumed"));
    CHECK(error_of(asked_for) == std::string(within_5s) + " (paused)");
}

TEST_CASE_METHOD(Waiting,
                 "a sweep takes so many rows and says when the next is due",
                 "[dispatch]") {
    take_slot();
    for (int i = 0; i < 3; ++i)
        add_expiring(1h, 5s);
    auto sweep = [&](std::int64_t most) {
        ExpiryResult result;
        store->expire({.now = clock.now() + 2h, .jobs_max = most}, [&](Result<ExpiryResult> done) {
            REQUIRE(done);
            result = *done;
        });
        executor.run();
        return result;
    };
    ExpiryResult first = sweep(2);
    CHECK(first.jobs == 2);
    REQUIRE(first.next_expiry);
    CHECK(*first.next_expiry == clock.now() + 1h + 5s);
    ExpiryResult rest = sweep(2);
    CHECK(rest.jobs == 1);
    CHECK_FALSE(rest.next_expiry);
    CHECK(sweep(2).jobs == 0);
}

TEST_CASE_METHOD(Waiting, "a daemon that stops ends no job", "[dispatch]") {
    take_slot();
    JobId id = add_expiring(0s, 5s);
    dispatcher->stop_claiming();
    dispatcher->wake_at(clock.now(), clock.now() + 1s);
    executor.run();
    pass(10s);
    CHECK(waits(id));
}

}  // namespace scheduler
