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
        auto answer = service.handle(WhyRequest{JobRef{id.to_string()}}, Caller{"uid:1"});
        REQUIRE(answer);
        return answer->message;
    }
    JobId due_job() {
        JobId id;
        NewJob job{"a", {}, clock.now(), clock.now(), {}, {}, "test"};
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

}  // namespace scheduler
