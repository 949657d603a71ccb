/// AddBatchRequest: `add` with `jobs` on the socket, all of them or none. HTTP takes one job a
/// call.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

Json job(const char* name, const char* time = "1h") {
    return {{"job_name", name}, {"time", time}};
}

std::int64_t scheduled(OverSocket& front) {
    return front.call("status").value.at("jobs").value("scheduled", 0);
}

}  // namespace

TEST_CASE("add takes several jobs and answers for each, in order", "[contract][socket]") {
    OverSocket front(shared_daemon());
    auto before = scheduled(front);
    auto outcome = front.call("add", {{"jobs", {job("batch-a"), job("batch-b"), job("batch-c")}}});
    REQUIRE(outcome.is_ok);
    const Json& jobs = outcome.value.at("jobs");
    REQUIRE(jobs.size() == 3);
    CHECK(jobs[0].at("job").at("job_name") == "batch-a");
    CHECK(jobs[2].at("job").at("job_name") == "batch-c");
    CHECK(jobs[1].at("job").at("number").get<std::int64_t>() ==
          jobs[0].at("job").at("number").get<std::int64_t>() + 1);
    CHECK(front.call("show", {{"job_id", jobs[1].at("id")}}).is_ok);
    CHECK(scheduled(front) == before + 3);
}

TEST_CASE("one bad job of several is named, and none is added", "[contract][socket]") {
    OverSocket front(shared_daemon());
    auto before = scheduled(front);
    auto outcome = front.call("add", {{"jobs", {job("batch-a"), job("batch-b", "soon")}}});
    CHECK_FALSE(outcome.is_ok);
    CHECK(outcome.code == "bad_time");
    CHECK_THAT(outcome.message, Catch::Matchers::Contains("jobs[1]"));
    CHECK(scheduled(front) == before);
}

TEST_CASE("a batch holds 1 to 1000 jobs", "[contract][socket]") {
    OverSocket front(shared_daemon());
    Json jobs(1000, job("batch-many"));
    auto outcome = front.call("add", {{"jobs", jobs}});
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.at("jobs").size() == 1000);
    jobs.push_back(job("batch-many"));
    CHECK(front.call("add", {{"jobs", jobs}}).code == "bad_field");
    CHECK(front.call("add", {{"jobs", Json::array()}}).code == "bad_field");
}

TEST_CASE("HTTP takes one job a call", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    auto answer = client.ask("POST",
                             "/job",
                             {{"Content-Type", "application/json"}},
                             Json({{"jobs", {job("batch-a")}}}).dump());
    CHECK(answer.status == 400);
    CHECK(answer.error_code() == "unknown_field");
}

}  // namespace scheduler::test
