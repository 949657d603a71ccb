/// Groups: how many of their jobs run at once, and who is next.

#include <fmt/format.h>

#include "tests/support/dispatch_world.hpp"

namespace scheduler {
namespace {

using namespace test;

struct Groups : DispatchWorld {
    Result<Group> change(const std::string& name, GroupEdit edit) {
        std::optional<Result<Group>> answer;
        edit.at = clock.now();
        edit.by = "uid:1";
        store->set_group(name, edit, [&](Result<Group> set) { answer.emplace(std::move(set)); });
        executor.run();
        dispatcher->wake();
        executor.run();
        REQUIRE(answer);
        return *answer;
    }
    void limit(const std::string& name, std::optional<std::int64_t> max) {
        GroupEdit edit;
        edit.max_running = max;
        REQUIRE(change(name, edit));
    }
    void pause(const std::string& name, bool is_paused, std::optional<TimePoint> until = {}) {
        GroupEdit edit;
        edit.pause = GroupEdit::Pause{is_paused, until};
        REQUIRE(change(name, edit));
    }
    void remove(const std::string& name) {
        store->remove_group(name, [](Result<Done> done) { REQUIRE(done); });
        executor.run();
        dispatcher->wake();
        executor.run();
    }
    JobId add_to(const std::string& group, std::int64_t priority = 0, Duration in = 0s) {
        JobSpec spec;
        spec.group = group;
        spec.priority = priority;
        return add(in, std::move(spec));
    }
    bool runs(JobId id) { return job(id).status == JobStatus::running; }
    void end(JobId id, std::int64_t exit_code = 0) {
        engine.end(*job(id).container_id, exit_code);
        pass(200ms);
    }
    std::string reason_of_claim(JobId id) {
        auto record = store->record(id);
        REQUIRE(record);
        std::string reason;
        for (const Transition& transition : (*record)->transitions)
            if (transition.to == JobStatus::running) reason = transition.reason.value_or("");
        return reason;
    }
};

}  // namespace

TEST_CASE_METHOD(Groups, "a group runs so many jobs at once, the best rank first", "[dispatch]") {
    limit("narrow", 2);
    JobId first = add_to("narrow");
    JobId second = add_to("narrow");
    JobId third = add_to("narrow");
    JobId better = add_to("narrow", 1);
    JobId other = add_to("other");
    JobId none = add(0s);
    CHECK(runs(first));
    CHECK(runs(second));
    CHECK_FALSE(runs(third));
    CHECK_FALSE(runs(better));
    CHECK(runs(other));
    CHECK(runs(none));
    auto group = store->group("narrow");
    REQUIRE(group);
    CHECK((*group)->running == 2);
    CHECK((*group)->waiting == 2);
    pass(1s);
    end(second);
    CHECK(runs(better));
    CHECK_FALSE(runs(third));
    CHECK(reason_of_claim(better) == "its group narrow had no room");
    end(better);
    CHECK(runs(third));
}

TEST_CASE_METHOD(Groups, "groups and other jobs share the slots by rank", "[dispatch]") {
    crash();
    max_running = 1;
    boot();
    limit("a", 5);
    limit("b", 5);
    JobId running = add(0s);
    JobId plain = add(0s);
    JobId of_a = add_to("a", 2);
    JobId of_b = add_to("b", 1);
    for (JobId next : {of_a, of_b, plain}) {
        end(running);
        CHECK(runs(next));
        running = next;
    }
}

TEST_CASE_METHOD(Groups,
                 "a group that is limited or freed takes its due jobs along",
                 "[dispatch]") {
    limit("g", 1);
    JobId first = add_to("g");
    JobId second = add_to("g");
    JobId third = add_to("g");
    CHECK_FALSE(runs(second));
    SECTION("a higher limit") {
        limit("g", 2);
        CHECK(runs(second));
        CHECK_FALSE(runs(third));
    }
    SECTION("no limit") {
        limit("g", std::nullopt);
        CHECK(runs(third));
    }
    SECTION("removed") {
        remove("g");
        CHECK(runs(second));
        CHECK(runs(third));
        CHECK_FALSE(*store->group("g"));
    }
    SECTION("a lower one leaves what runs alone") {
        limit("g", 3);
        limit("g", 1);
        CHECK(runs(third));
        JobId fourth = add_to("g");
        end(first);
        end(second);
        CHECK_FALSE(runs(fourth));
        end(third);
        CHECK(runs(fourth));
    }
}

TEST_CASE_METHOD(Groups, "what was due before its group was set counts for it", "[dispatch]") {
    engine.go_down();
    pass(1s);
    JobId first = add_to("g");
    JobId second = add_to("g");
    // A look at what is due, as the one that would have claimed them.
    store->claim_due({clock.now(), 1, "engine-1"}, [](Result<ClaimResult>) {});
    executor.run();
    limit("g", 1);
    engine.is_down = false;
    pass(10s);
    CHECK(runs(first) != runs(second));
}

TEST_CASE_METHOD(Groups, "a paused group starts nothing until it resumes", "[dispatch]") {
    SECTION("when it is told to") {
        pause("g", true);
        JobId id = add_to("g");
        CHECK_FALSE(runs(id));
        pause("g", false);
        CHECK(runs(id));
    }
    SECTION("by itself") {
        pause("g", true, clock.now() + 5s);
        JobId id = add_to("g");
        pass(4s);
        CHECK_FALSE(runs(id));
        pass(1500ms);
        CHECK(runs(id));
        CHECK_FALSE((*store->group("g"))->paused);
    }
    SECTION("by itself, with jobs that came before the pause") {
        limit("g", 1);
        JobId first = add_to("g");
        JobId second = add_to("g");
        pause("g", true, clock.now() + 5s);
        end(first);
        pass(4s);
        CHECK_FALSE(runs(second));
        pass(1500ms);
        CHECK(runs(second));
    }
    SECTION("also after a restart") {
        pause("g", true);
        JobId id = add_to("g");
        crash();
        boot();
        pass(5s);
        CHECK_FALSE(runs(id));
        pause("g", false);
        CHECK(runs(id));
    }
}

TEST_CASE_METHOD(Groups, "a job that leaves the line leaves no gap in it", "[dispatch]") {
    limit("g", 1);
    JobId first = add_to("g");
    JobId second = add_to("g");
    JobId third = add_to("g");
    SECTION("removed") {
        store->cancel(second, clock.now(), "removed", [](Result<Done> done) { REQUIRE(done); });
    }
    SECTION("held") {
        store->hold(second, "uid:1", [](Result<Done> done) { REQUIRE(done); });
    }
    SECTION("edited") {
        store->edit(
            second, {.due_at = clock.now() + 1h}, [](Result<Job> edited) { REQUIRE(edited); });
    }
    executor.run();
    end(first);
    CHECK(runs(third));
}

TEST_CASE_METHOD(Groups, "a job that changes its group waits in the other line", "[dispatch]") {
    limit("g", 1);
    JobId first = add_to("g");
    JobId second = add_to("g");
    store->edit(second,
                {.change_spec = [](const Job& before) -> Result<JobSpec> {
                    JobSpec spec = *before.spec;
                    spec.group = "h";
                    return spec;
                }},
                [](Result<Job> edited) { REQUIRE(edited); });
    executor.run();
    dispatcher->wake();
    executor.run();
    CHECK(runs(first));
    CHECK(runs(second));
}

TEST_CASE_METHOD(Groups, "between its attempts a job leaves its place to others", "[dispatch]") {
    limit("g", 1);
    JobSpec spec;
    spec.group = "g";
    spec.retries.emplace().max = 1;
    spec.retries->delay = Span{5s};
    JobId tried = add(0s, std::move(spec));
    JobId other = add_to("g");
    end(tried, 1);
    CHECK(runs(other));
    pass(7s);
    CHECK_FALSE(runs(tried));
    end(other);
    CHECK(runs(tried));
}

TEST_CASE_METHOD(Groups, "a long line of one group does not hold up other jobs", "[dispatch]") {
    limit("g", 1);
    engine.go_down();
    std::vector<NewJob> jobs;
    for (int i = 0; i < 3000; ++i) {
        jobs.push_back({"test/busybox:1", {}, clock.now(), clock.now(), {}, {}, "test"});
        jobs.back().spec.group = "g";
    }
    store->insert(jobs, [](Result<std::vector<AddedJob>> added) { REQUIRE(added); });
    executor.run();
    clock.advance(1ms);
    JobId other = add(0s);
    engine.is_down = false;
    while (!dispatcher->engine_status().is_up)
        pass(100ms);
    executor.run();
    CHECK(runs(other));
    CHECK((*store->group("g"))->running == 1);
    CHECK((*store->group("g"))->waiting == 1000);
}

TEST_CASE_METHOD(Groups, "jobs that come due together say what they waited for", "[dispatch]") {
    limit("g", 1);
    JobId first = add_to("g", 1, 5s);
    JobId second = add_to("g", 0, 5s);
    pass(10min);
    CHECK(runs(first));
    end(first);
    CHECK(runs(second));
    CHECK(reason_of_claim(second) == "its group g had no room");
}

TEST_CASE_METHOD(Groups, "a group's removal or resume says what was waited for", "[dispatch]") {
    pause("g", true);
    JobId id = add_to("g");
    pass(10min);
    SECTION("removed") {
        remove("g");
    }
    SECTION("resumed") {
        pause("g", false);
    }
    CHECK(runs(id));
    CHECK(reason_of_claim(id) == "its group g was paused");
}

TEST_CASE_METHOD(Groups,
                 "a full group whose pause is over is not looked at again and again",
                 "[dispatch]") {
    limit("g", 1);
    JobId first = add_to("g");
    JobId second = add_to("g");
    pause("g", true, clock.now() + 5s);
    pass(6s);
    CHECK(runs(first));
    CHECK_FALSE(runs(second));
    auto idle = timer.when;
    CHECK_FALSE(idle);
}

TEST_CASE_METHOD(Groups, "jobs in line are listed in their places", "[dispatch]") {
    limit("g", 1);
    add_to("g");
    JobId second = add_to("g");
    clock.advance(1ms);
    JobId later = add(1h);
    ListFilter filter;
    filter.status = {JobStatus::scheduled};
    auto page = store->list(filter, std::nullopt, 1);
    REQUIRE(page);
    CHECK(page->jobs.front().id == second);
    page = store->list(filter, page->next, 1);
    REQUIRE(page);
    CHECK(page->jobs.front().id == later);
}

TEST_CASE_METHOD(Groups, "a job that expires in line says why", "[dispatch]") {
    limit("g", 1);
    add_to("g");
    JobSpec spec;
    spec.group = "g";
    spec.expires = Span{2s};
    JobId id = add(0s, std::move(spec));
    dispatcher->wake_at(clock.now(), clock.now() + 2s);
    pass(3s);
    CHECK(job(id).error ==
          "it expired: it was not started within 2s after it was due (its group g had no room)");
}

TEST_CASE_METHOD(Groups, "as many groups are set as the limit says", "[dispatch]") {
    for (std::int64_t i = 0; i < GroupLimits::groups; ++i)
        store->set_group(fmt::format("g{}", i), {}, [](Result<Group> set) { REQUIRE(set); });
    executor.run();
    auto refused = change("more", {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::too_large);
    CHECK(refused.error().message == "there are 1000 groups, which is the most; remove some");
    CHECK(change("g0", {}));
    auto page = store->groups("g998", 2);
    REQUIRE(page);
    CHECK(page->groups.size() == 1);
    CHECK_FALSE(page->has_more);
    CHECK(store->groups("", 999)->has_more);
}

}  // namespace scheduler
