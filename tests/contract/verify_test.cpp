/// verify over both front ends. There is no engine, so containers are what it can't check.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {

TEMPLATE_TEST_CASE("verify says what it checked, and what it could not",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    REQUIRE(front.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).is_ok);
    Outcome outcome = front.call("verify");
    INFO(outcome.message);
    REQUIRE(outcome.is_ok);
    const Json& result = outcome.value;
    CHECK(result.at("jobs_checked") == 1);
    CHECK(result.at("containers_checked") == 0);
    CHECK(result.at("files_checked") == 0);
    CHECK(result.at("well") == false);
    CHECK_FALSE(result.contains("findings"));
    REQUIRE(result.at("not_checked").size() == 1);
    CHECK(result.at("not_checked")[0].get<std::string>().find(
              "containers: the engine can't be asked: ") == 0);
    CHECK(result.at("message") ==
          "nothing wrong was found in 1 job, 0 containers and 0 files of output, but not all "
          "could be checked");
}

TEMPLATE_TEST_CASE("verify lists what it finds", "[contract]", OverHttp, OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    auto stray = daemon.dir().write("state/logs/stray", "");
    Outcome outcome = front.call("verify");
    REQUIRE(outcome.is_ok);
    CHECK(outcome.value.at("well") == false);
    CHECK(outcome.value.at("found") == Json({{"orphaned", 1}}));
    CHECK(outcome.value.at("findings") ==
          Json::array({{{"kind", "orphaned"},
                        {"message", "the file " + stray.native() + " is no output of a job"},
                        {"file", stray.native()}}}));
}

TEMPLATE_TEST_CASE("verify refuses what it can't read", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    struct Row {
        Json params;
        std::string code;
    };
    for (const Row& row : {Row{{{"limit", 0}}, "bad_field"},
                           Row{{{"limit", 1001}}, "bad_field"},
                           Row{{{"since", "yesterday"}}, "bad_date"},
                           Row{{{"late", "soon"}}, "bad_time"},
                           Row{{{"late", "0s"}}, "bad_field"},
                           Row{{{"deep", "true"}}, "unknown_field"}}) {
        INFO(row.params.dump());
        CHECK(front.call("verify", row.params).code == row.code);
    }
    CHECK(front.call("verify", {{"limit", 1}, {"late", "1s"}, {"since", "1h"}}).is_ok);
    CHECK(front.call("verify", {{"limit", 1000}}).is_ok);
}

}  // namespace scheduler::test
