/// What is started, and in which order: held jobs not at all, the others by rank.

#include "tests/support/dispatch_world.hpp"

namespace scheduler {
namespace {

using namespace test;

/// With one slot, so that what is started next shows.
struct OneSlot : DispatchWorld {
    OneSlot() {
        crash();
        max_running = 1;
        boot();
    }
    JobId add_with(std::int64_t priority, Duration in = 0s) {
        JobSpec spec;
        spec.priority = priority;
        return add(in, std::move(spec));
    }
    void hold(JobId id) {
        store->hold(id, "uid:1", [](Result<Done> done) { REQUIRE(done); });
        executor.run();
    }
    void release(JobId id) {
        store->release(id, clock.now(), [](Result<std::optional<TimePoint>> due) { REQUIRE(due); });
        executor.run();
        dispatcher->wake_at(job(id).due_at.at);
        executor.run();
    }
    /// Ends what runs, and says which of these runs then.
    JobId next_of(const std::vector<JobId>& ids) {
        for (auto& [id, container] : engine.containers)
            if (container.state.phase == FakeEngine::Phase::running) {
                engine.end(id, 0);
                break;
            }
        pass(200ms);
        for (JobId id : ids)
            if (job(id).status == JobStatus::running) return id;
        return {};
    }
};

}  // namespace

TEST_CASE_METHOD(OneSlot, "of due jobs the best rank is started first", "[dispatch]") {
    add(0s);
    JobId plain = add(0s);
    JobId later = add_with(-5);
    JobId first = add_with(5);
    JobId same = add(0s);
    std::vector<JobId> all{plain, later, first, same};
    CHECK(next_of(all) == first);
    CHECK(next_of(all) == plain);
    CHECK(next_of(all) == same);
    CHECK(next_of(all) == later);
}

TEST_CASE_METHOD(OneSlot, "a priority is so many minutes, so that nothing starves", "[dispatch]") {
    add(0s);
    JobId old = add_with(-100);
    clock.advance(101min);
    JobId young = add_with(0);
    std::vector<JobId> all{old, young};
    CHECK(next_of(all) == old);
    CHECK(next_of(all) == young);
}

TEST_CASE_METHOD(OneSlot, "an edited job has the rank of its new time and priority", "[dispatch]") {
    add(0s);
    JobId first = add(0s);
    JobId second = add(0s);
    store->edit(second,
                {.change_spec = [](const Job& before) -> Result<JobSpec> {
                    JobSpec spec = *before.spec;
                    spec.priority = 1;
                    return spec;
                }},
                [](Result<Job> edited) { REQUIRE(edited); });
    executor.run();
    std::vector<JobId> all{first, second};
    CHECK(next_of(all) == second);
    CHECK(next_of(all) == first);
}

TEST_CASE_METHOD(OneSlot, "a job that is to run now keeps its priority", "[dispatch]") {
    add(0s);
    JobId plain = add(0s);
    JobId low = add_with(-60, 2h);
    JobId high = add_with(60, 20s);
    for (JobId id : {low, high}) {
        store->make_due(id, clock.now(), [](auto expires_at) { REQUIRE(expires_at); });
        executor.run();
    }
    std::vector<JobId> all{plain, low, high};
    CHECK(next_of(all) == high);
    CHECK(next_of(all) == plain);
    CHECK(next_of(all) == low);
}

TEST_CASE_METHOD(OneSlot,
                 "a held job waits, whatever its time, and costs no wake-up",
                 "[dispatch]") {
    JobId id = add(1s);
    hold(id);
    pass(5s);
    CHECK(engine.starts() == 0);
    CHECK_FALSE(timer.when);
    CHECK(store->overdue(clock.now(), 10)->jobs == 0);
    CHECK_FALSE(*store->next_due());
    JobId other = add(0s);
    CHECK(job(other).status == JobStatus::running);
    CHECK(next_of({id}) == JobId());
    SECTION("over a restart") {
        crash();
        boot();
        pass(5s);
        CHECK(job(id).status == JobStatus::scheduled);
    }
    SECTION("whose time is changed") {
        store->edit(id, {.due_at = clock.now()}, [](Result<Job> edited) { REQUIRE(edited); });
        executor.run();
        dispatcher->wake();
        pass(5s);
        CHECK(job(id).status == JobStatus::scheduled);
    }
    release(id);
    CHECK(job(id).status == JobStatus::running);
    auto told = store->events_after(0, id, 10);
    REQUIRE(told);
    CHECK(told->back().reason == "it was held");
}

TEST_CASE_METHOD(OneSlot, "a job that is due already can be held back", "[dispatch]") {
    add(0s);
    JobId id = add(0s);
    pass(1s);  // it is ready
    hold(id);
    CHECK(next_of({id}) == JobId());
    SECTION("until it is let go") {
        release(id);
    }
    SECTION("until it is to run now") {
        store->make_due(id, clock.now(), [](auto expires_at) { REQUIRE(expires_at); });
        executor.run();
        dispatcher->wake();
        executor.run();
    }
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(OneSlot, "what runs or has ended is neither held nor changed", "[dispatch]") {
    JobId id = add(0s);
    auto refused_with = [&](ErrorCode code) {
        auto check = [code](const auto& result) {
            REQUIRE_FALSE(result);
            CHECK(result.error().code == code);
        };
        store->hold(id, "uid:1", check);
        store->release(id, clock.now(), check);
        store->edit(id, {.due_at = clock.now()}, check);
        executor.run();
    };
    refused_with(ErrorCode::job_running);
    next_of({});
    refused_with(ErrorCode::job_in_history);
}

}  // namespace scheduler
