/// Submitting a job, over both front ends: every good and bad input, and what the job then says.

#include <catch2/catch.hpp>

#include "common/ids.hpp"
#include "common/local_time.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

template <class Front>
Outcome add(Front& front, Json params) {
    return front.call("add", params);
}

/// Milliseconds since the epoch of a contract date.
std::int64_t local_ms(const Json& date) {
    auto at = parse_local_date(date.get<std::string>());
    REQUIRE(at);
    return at->time_since_epoch().count();
}

void check_refused(const Outcome& outcome, const std::string& code) {
    INFO(outcome.value << outcome.message);
    CHECK_FALSE(outcome.is_ok);
    CHECK(outcome.code == code);
    CHECK_FALSE(outcome.message.empty());
}

}  // namespace

TEMPLATE_TEST_CASE("add answers with a sentence, an id and the job",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    Outcome outcome = add(front, {{"job_name", "JOB_A"}, {"time", "2m"}});
    REQUIRE(outcome.is_ok);
    std::string id = outcome.value.at("id");
    CHECK(parse_id_bytes(id));
    CHECK(outcome.value.at("message") ==
          "job JOB_A with id " + id + " will be scheduled to run in 2m");
    const Json& job = outcome.value.at("job");
    CHECK(job.at("id") == id);
    CHECK(job.at("job_name") == "JOB_A");
    CHECK(job.at("status") == "scheduled");
    CHECK(job.at("number") >= 1);
    CHECK_FALSE(job.contains("finish_status"));
    CHECK_FALSE(job.contains("finish_date"));
    CHECK_FALSE(job.contains("exit_code"));
    CHECK(local_ms(job.at("scheduled_to")) - local_ms(job.at("scheduled_in")) == 120'000);
}

TEMPLATE_TEST_CASE("a time is a whole number and one unit", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    for (auto [text, seconds] : {std::pair<std::string, std::int64_t>{"30s", 30},
                                 {"2M", 120},
                                 {"1h", 3600},
                                 {"4d", 345600},
                                 {"4D", 345600},
                                 {"007m", 420},
                                 {"36500d", 3153600000}}) {
        INFO(text);
        Outcome outcome = add(front, {{"job_name", "busybox"}, {"time", text}});
        INFO(outcome.message);
        REQUIRE(outcome.is_ok);
        const Json& job = outcome.value.at("job");
        CHECK(parse_rfc3339(job.at("due_at").get<std::string>())->time_since_epoch().count() -
                  parse_rfc3339(job.at("created_at").get<std::string>())
                      ->time_since_epoch()
                      .count() ==
              seconds * 1000);
        CHECK(outcome.value.at("message").get<std::string>().find("run in " + text) !=
              std::string::npos);
    }
    for (std::string text : {"",
                             "2h30m",
                             "-5s",
                             "+5s",
                             "abc",
                             "1.5h",
                             "4w",
                             "5",
                             "s",
                             " 5s",
                             "5s ",
                             "5 s",
                             "0x5s",
                             "1e3s",
                             "５s",
                             "5ss",
                             "5s\n",
                             "36501d",
                             "99999999999999999999d"}) {
        INFO('"' << text << '"');
        check_refused(add(front, {{"job_name", "busybox"}, {"time", text}}), "bad_time");
    }
}

TEMPLATE_TEST_CASE("a date is shown back exactly as given", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    for (std::string date : {"20-06-2037 20:00:00", "29-02-2036 00:00:00", "31-12-2099 23:59:59"}) {
        Outcome outcome = add(front, {{"job_name", "busybox"}, {"date", date}});
        INFO(outcome.message);
        REQUIRE(outcome.is_ok);
        CHECK(outcome.value.at("job").at("scheduled_to") == date);
        CHECK(outcome.value.at("message").get<std::string>().find(date) != std::string::npos);
    }
    Outcome offset = add(front, {{"job_name", "busybox"}, {"date", "2037-06-20T20:00:00+01:00"}});
    REQUIRE(offset.is_ok);
    CHECK(offset.value.at("job").at("due_at") == "2037-06-20T19:00:00.000Z");
}

TEMPLATE_TEST_CASE("a date that does not exist is refused with the reason",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    for (std::string date : {"",
                             "31-02-2037 00:00:00",
                             "29-02-2037 00:00:00",
                             "00-01-2037 00:00:00",
                             "01-13-2037 00:00:00",
                             "01-01-2037 24:00:00",
                             "01-01-2037 00:60:00",
                             "01-01-2037 00:00:60",
                             "01-01-2037",
                             "1-1-2037 00:00:00",
                             "01-01-37 00:00:00",
                             "01/01/2037 00:00:00",
                             "01-01-2037 00:00:00 and more",
                             " 01-01-2037 00:00:00",
                             "01-01-2037T00:00:00",
                             "2037-06-20T20:00:00",
                             "2037-06-31T20:00:00Z",
                             "2037-06-20T20:00:00Zx",
                             "tomorrow"}) {
        INFO(date);
        check_refused(add(front, {{"job_name", "busybox"}, {"date", date}}), "bad_date");
    }
}

TEMPLATE_TEST_CASE("a past date is accepted, due at once, and warned of",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    Outcome outcome = add(front, {{"job_name", "busybox"}, {"date", "01-01-2001 00:00:00"}});
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.at("job").at("scheduled_to") == "01-01-2001 00:00:00");
    CHECK(outcome.value.at("warning").get<std::string>().find("past") != std::string::npos);
    check_refused(
        add(front,
            {{"job_name", "busybox"}, {"date", "01-01-2001 00:00:00"}, {"past_date", "refuse"}}),
        "bad_date");
}

TEMPLATE_TEST_CASE("a name that nothing can run is warned of", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    Outcome outcome = add(front, {{"job_name", "JOB_A"}, {"time", "1h"}});
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.at("warning").get<std::string>().find("JOB_A") != std::string::npos);
}

TEMPLATE_TEST_CASE("name and moment are needed, and one moment only",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    check_refused(add(front, Json::object()), "bad_field");
    check_refused(add(front, {{"time", "1m"}}), "bad_field");
    check_refused(add(front, {{"job_name", ""}, {"time", "1m"}}), "bad_field");
    check_refused(add(front, {{"job_name", "busybox"}}), "bad_field");
    check_refused(
        add(front, {{"job_name", "busybox"}, {"time", "1m"}, {"date", "01-01-2037 00:00:00"}}),
        "bad_field");
    CHECK(add(front, {{"job_name", "a"}, {"time", "1m"}, {"at", "20:00"}}).message ==
          "time and at are both given; give exactly one of them");
    CHECK(add(front,
              {{"job_name", "a"}, {"time", "1m"}, {"date", "01-01-2037 00:00:00"}, {"at", "20:00"}})
              .message == "time and date and at are all given; give exactly one of them");
    for (std::string name : {"a\u202A", "\u202Egnp", "\u2066", "a\u2069z"}) {
        INFO(Json(name));
        check_refused(add(front, {{"job_name", name}, {"time", "1h"}}), "bad_field");
    }
    CHECK(add(front, {{"job_name", "\u2029\u202f\u2065\u206a"}, {"time", "1h"}}).is_ok);
    for (std::string name :
         {" ", "   ", "a\nb", "a\x7f", "a\xc2\x80", "a\xc2\x9f\x62", "\x1b[31m"}) {
        INFO(Json(name));
        check_refused(add(front, {{"job_name", name}, {"time", "1h"}}), "bad_field");
        check_refused(add(front, {{"job_name", "a"}, {"time", "1h"}, {"key", name + '\n'}}),
                      "bad_field");
    }
    CHECK(add(front, {{"job_name", "caf\xc3\xa9 \xc2\xa0"}, {"time", "1h"}}).is_ok);
    CHECK(add(front, {{"job_name", std::string(512, 'a')}, {"time", "1h"}}).is_ok);
    check_refused(add(front, {{"job_name", std::string(513, 'a')}, {"time", "1h"}}), "bad_field");
}

TEMPLATE_TEST_CASE("fields of another type are refused by name",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    for (const auto& [field, value] : {std::pair<std::string, Json>{"job_name", 5},
                                       {"job_name", nullptr},
                                       {"job_name", Json::array({"a"})},
                                       {"time", 60},
                                       {"time", true},
                                       {"date", Json::object()},
                                       {"dry_run", "yes"},
                                       {"dry_run", 1},
                                       {"command", "echo hi"},
                                       {"command", Json::array({1})},
                                       {"env", Json::array({"A=1"})},
                                       {"env", {{"A", 1}}},
                                       {"timeout", 10},
                                       {"timeout", Json::array()}}) {
        Json params = {{"job_name", "busybox"}, {"time", "1h"}};
        params[field] = value;
        INFO(params);
        Outcome outcome = add(front, params);
        check_refused(outcome, "bad_field");
        CHECK(outcome.message.find(field) != std::string::npos);
    }
}

TEMPLATE_TEST_CASE("a field that is not known is refused by name",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    for (std::string field : {"tiem", "Time", "memroy", "pull", "spec"}) {
        Outcome outcome = add(front, {{"job_name", "busybox"}, {"time", "1h"}, {field, "1"}});
        check_refused(outcome, "unknown_field");
        CHECK(outcome.message.find(field) != std::string::npos);
    }
}

TEMPLATE_TEST_CASE("text that is no JSON object is refused", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    for (std::string text : {"{",
                             "{\"job_name\":}",
                             "nul",
                             "{\"job_name\":\"\xff\",\"time\":\"1m\"}",
                             "{\"job_name\":\"\\u0000\",\"time\":\"1m\"}",
                             "{\"job_name\":\"a\",\"job_name\":\"b\",\"time\":\"1m\"}"}) {
        INFO(text);
        check_refused(front.add_text(text), "bad_json");
    }
    for (std::string text : {"[]", "\"add\"", "5", "null"}) {
        INFO(text);
        CHECK_FALSE(front.add_text(text).is_ok);
    }
    // The same connection goes on.
    CHECK(front.add_text(R"({"job_name":"busybox","time":"1h"})").is_ok);
}

TEMPLATE_TEST_CASE("the specification is kept, and its values hidden",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    Outcome outcome = add(front,
                          {{"job_name", "nightly"},
                           {"time", "1h"},
                           {"image", "busybox:1"},
                           {"command", {"sh", "-c", "echo $A; exit 3"}},
                           {"env", {{"A", "secret-value"}}},
                           {"timeout", "10m"}});
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.dump().find("secret-value") == std::string::npos);
    Outcome shown = front.call("show", {{"job_id", outcome.value.at("id")}});
    REQUIRE(shown.is_ok);
    const Json& spec = shown.value.at("spec");
    CHECK(spec.at("image") == "busybox:1");
    CHECK(spec.at("command") == Json({"sh", "-c", "echo $A; exit 3"}));
    CHECK(spec.at("env") == Json({{"A", "hidden"}}));
    CHECK(spec.at("timeout") == "10m");
    check_refused(add(front, {{"job_name", "a"}, {"time", "1h"}, {"timeout", "0s"}}), "bad_field");
    check_refused(add(front, {{"job_name", "a"}, {"time", "1h"}, {"timeout", "soon"}}), "bad_time");
    check_refused(
        add(front,
            {{"job_name", "a"}, {"time", "1h"}, {"command", {std::string(130 * 1024, 'x')}}}),
        "too_large");
}

TEMPLATE_TEST_CASE("a dry run checks and submits nothing", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    Json before = front.call("status").value.at("jobs");
    Outcome outcome = add(front, {{"job_name", "busybox"}, {"time", "1h"}, {"dry_run", true}});
    CHECK_FALSE(outcome.value.at("job").contains("id"));
    CHECK_FALSE(outcome.value.at("job").contains("number"));
    CHECK(outcome.value.at("job").at("scheduled_to").is_string());
    REQUIRE(outcome.is_ok);
    CHECK_FALSE(outcome.value.contains("id"));
    CHECK(front.call("status").value.at("jobs") == before);
    check_refused(add(front, {{"job_name", "busybox"}, {"time", "x"}, {"dry_run", true}}),
                  "bad_time");
}

TEMPLATE_TEST_CASE("a repeat under the same key adds nothing", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    std::string key = std::string("key-") + TestType::name;
    Json params = {{"job_name", "busybox"}, {"time", "1h"}, {"key", key}};
    Outcome first = add(front, params);
    Outcome second = add(front, params);
    REQUIRE(first.is_ok);
    REQUIRE(second.is_ok);
    CHECK(second.value.at("id") == first.value.at("id"));
    CHECK(second.value.at("replayed") == true);
    CHECK_FALSE(first.value.contains("replayed"));
    params["time"] = "2h";
    check_refused(add(front, params), "key_reused");
    check_refused(add(front, {{"job_name", "a"}, {"time", "1h"}, {"key", ""}}), "bad_field");
    check_refused(add(front, {{"job_name", "a"}, {"time", "1h"}, {"key", std::string(256, 'k')}}),
                  "bad_field");
    CHECK(add(front,
              {{"job_name", "a"}, {"time", "1h"}, {"key", TestType::name + std::string(240, 'k')}})
              .is_ok);
}

TEMPLATE_TEST_CASE("a repeat is the same job also when its date has passed",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    auto now = [] { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); };
    TimePoint due = now() + std::chrono::seconds(1);
    Json params = {{"job_name", "busybox"},
                   {"date", to_rfc3339(due)},
                   {"past_date", "refuse"},
                   {"key", std::string("past-") + TestType::name}};
    Outcome first = add(front, params);
    INFO(first.message);
    REQUIRE(first.is_ok);
    REQUIRE(eventually([&] { return now() > due; }));
    Outcome second = add(front, params);
    INFO(second.message);
    REQUIRE(second.is_ok);
    CHECK(second.value.at("id") == first.value.at("id"));
    CHECK(second.value.at("message") == first.value.at("message"));
    CHECK_FALSE(second.value.contains("warning"));
    params["key"] = std::string("past-2-") + TestType::name;
    check_refused(add(front, params), "bad_date");
}

TEMPLATE_TEST_CASE("who submitted a job is recorded", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    Outcome outcome = add(front, {{"job_name", "busybox"}, {"time", "1h"}});
    REQUIRE(outcome.is_ok);
    std::string who = outcome.value.at("job").at("submitted_by");
    CHECK(who ==
          (std::is_same_v<TestType, OverHttp> ? "http" : "uid:" + std::to_string(::getuid())));
}

}  // namespace scheduler::test
