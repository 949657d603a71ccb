/// Why a job was late: the reason that the claim stored, and a slow start.

#include "daemon/service/service.hpp"
#include "tests/support/service_world.hpp"

namespace scheduler {
namespace {

using namespace test;

struct WhyWorld : ServiceWorld {
    /// A job that was claimed and started this long after it was due.
    std::string why(Duration claim, Duration start, std::vector<Hindrance> hindrances) {
        JobId id = due_job();
        TimePoint due = clock.now();
        for (Hindrance& hindrance : hindrances)
            hindrance.until = due + claim;
        clock.advance(claim);
        store->claim_due({clock.now(), 1, "engine-1", std::move(hindrances)},
                         [](Result<ClaimResult> claimed) {
                             REQUIRE(claimed);
                             REQUIRE(claimed->jobs.size() == 1);
                         });
        executor.run();
        store->set_started(id, 1, due + start, std::nullopt, [](Result<Done>) {});
        executor.run();
        return why(id);
    }
    std::string why(JobId id) {
        auto answer = service.handle(WhyRequest{JobRef{id.to_string()}}, Caller{"uid:1"});
        REQUIRE(answer);
        return answer->message;
    }
    /// Behind the dispatcher's back, so it waits.
    JobId due_job(Duration ago = {}) {
        JobId id;
        NewJob job{"a", {}, clock.now(), clock.now() - ago, {}, {}, "test"};
        store->insert({job}, [&](Result<std::vector<AddedJob>> added) {
            REQUIRE(added);
            id = added->front().job.id;
        });
        executor.run();
        return id;
    }
};

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE_METHOD(WhyWorld, "a late start has its reason", "[service]") {
    Hindrance slots{"all 100 slots were taken (--max-running)", {}};
    SECTION("on time") {
        CHECK_FALSE(has(why(0ms, 900ms, {}), "after it was due"));
    }
    SECTION("claimed late") {
        auto words = why(1500ms, 1550ms, {slots});
        CHECK(has(words, "it started 2s after it was due: all 100 slots were taken"));
        CHECK_FALSE(has(words, "starting the container"));
    }
    SECTION("a slow start") {
        CHECK(has(why(0ms, 1500ms, {}),
                  "it started 2s after it was due: starting the container took 1500 ms"));
    }
    SECTION("a little of both") {
        CHECK(has(why(300ms, 1200ms, {slots}),
                  "after it was due: all 100 slots were taken (--max-running); starting the "
                  "container took 900 ms"));
    }
}

TEST_CASE_METHOD(WhyWorld, "a due job says what of its group it waits for", "[service]") {
    auto set = [&](std::optional<std::int64_t> max, GroupEdit::Pause pause) {
        GroupEdit edit;
        edit.max_running = max;
        edit.pause = pause;
        store->set_group("g", edit, [](Result<Group> done) { REQUIRE(done); });
        executor.run();
    };
    auto add_to_group = [&] {
        JobSpec spec;
        spec.group = "g";
        return add(0s, std::move(spec));
    };
    set(1, {});
    add_to_group();
    JobId second = add_to_group();
    CHECK(has(why(second), "waits: its group g runs 1 at once, and one runs (group set g --max)"));
    CHECK(has(why(add_to_group()), "(group set g --max); 1 job is before it"));
    set(1, {true});
    CHECK(has(why(second), "waits: its group g is paused; `group resume g` goes on"));
    set(1, {true, clock.now() + 1h});
    CHECK(has(why(second), "waits: its group g is paused until "));
}

TEST_CASE_METHOD(WhyWorld, "a waiting job says how many are before it", "[service]") {
    JobId first = due_job();
    JobId second = due_job();
    JobId third = due_job();
    CHECK(has(why(first), "waits: it is next when a container can be started"));
    CHECK(has(why(second), "waits: 1 job is before it"));
    CHECK(has(why(third), "waits: 2 jobs are before it"));
    store->claim_due({clock.now(), 1, "engine-1"}, [](const Result<ClaimResult>&) {});
    executor.run();
    REQUIRE(job(first).status == JobStatus::running);
    CHECK(has(why(second), "waits: it is next"));
    JobId newer = due_job();  // not made ready by a claim yet
    CHECK(has(why(newer), "waits: 2 jobs are before it"));
    JobId from_the_past = due_job(1h);
    CHECK(has(why(from_the_past), "waits: it is next"));
    CHECK(has(why(newer), "waits: 3 jobs are before it"));
    store->set_pause({.paused = true}, [](const Result<PauseChange>&) {});
    executor.run();
    CHECK(has(why(newer), "waits: paused; `resume` goes on; 3 jobs are before it"));
}

TEST_CASE_METHOD(WhyWorld, "as many jobs before one as are counted, and one more", "[service]") {
    for (int i = 0; i < 999; ++i)
        (void)due_job();
    CHECK(has(why(due_job()), "waits: 999 jobs are before it"));
    CHECK(has(why(due_job()), "waits: at least 1000 jobs are before it"));
    CHECK(has(why(due_job()), "waits: at least 1000 jobs are before it"));
}

TEST_CASE_METHOD(WhyWorld, "why counts a past due time from the submission on", "[service]") {
    JobId id = due_job(24h * 365);
    auto overdue = store->overdue(clock.now(), 10);
    REQUIRE(overdue);
    CHECK(overdue->jobs == 1);
    CHECK(overdue->since == clock.now());
    auto status = service.handle(StatusRequest{}, Caller{"uid:1"});
    REQUIRE(status);
    CHECK(status->warnings.empty());
    clock.advance(999ms);
    CHECK(service.handle(StatusRequest{}, Caller{"uid:1"})->warnings.empty());
    CHECK(has(service.metrics_text(), "schedulerd_overdue_seconds 0.999\n"));
    clock.advance(1ms);
    CHECK(service.handle(StatusRequest{}, Caller{"uid:1"})->warnings.size() == 1);
    (void)due_job();
    CHECK(store->overdue(clock.now(), 10)->since == clock.now() - 1s);
    clock.advance(1s);
    store->claim_due({clock.now(), 1, "engine-1", {{"away", clock.now() - 10s}}},
                     [](const Result<ClaimResult>&) {});
    store->set_started(id, 1, clock.now(), std::nullopt, [](const Result<Done>&) {});
    executor.run();
    std::string words = why(id);
    CHECK(has(words, "it started 2s after it was submitted"));
    CHECK_FALSE(has(words, "away"));
}

}  // namespace scheduler
