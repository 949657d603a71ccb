/// Groups over both front ends: set, shown, listed, paused, resumed, removed, and named by jobs.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

/// Names of one front end's test, so that the suites don't meet.
template <class Front>
std::string own(const std::string& name) {
    return std::string(Front::name) + '.' + name;
}

}  // namespace

TEMPLATE_TEST_CASE("a group is set, paused, resumed and removed",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string name = own<TestType>("narrow");
    Outcome set = front.call("group_set", {{"name", name}, {"max_running", 2}});
    REQUIRE(set.is_ok);
    CHECK(set.value.at("message") == "group " + name + " runs 2 at once");
    Json shown = front.call("group_show", {{"name", name}}).value;
    CHECK(shown == set.value.at("group"));
    CHECK(shown.at("max_running") == 2);
    CHECK(shown.at("paused") == false);
    CHECK(shown.at("running") == 0);
    CHECK(shown.at("waiting") == 0);
    CHECK(shown.contains("updated_at"));
    CHECK(shown.contains("updated_by"));

    Outcome paused = front.call("group_pause", {{"name", name}, {"for", "1h"}});
    REQUIRE(paused.is_ok);
    std::string message = paused.value.at("message");
    CHECK(message.find("group " + name + " runs 2 at once, and is paused until ") == 0);
    CHECK(paused.value.at("group").at("paused") == true);
    CHECK(paused.value.at("group").contains("paused_until"));
    paused = front.call("group_pause", {{"name", name}});
    CHECK(paused.value.at("message") ==
          "group " + name + " runs 2 at once, and is paused until `group resume`");
    for (int times = 0; times < 2; ++times) {
        Outcome resumed = front.call("group_resume", {{"name", name}});
        CHECK(resumed.value.at("message") == "group " + name + " runs 2 at once");
    }
    Outcome free = front.call("group_set", {{"name", name}});
    CHECK(free.value.at("message") == "group " + name + " has no limit of its own");

    Outcome removed = front.call("group_remove", {{"name", name}});
    CHECK(removed.value.at("message") == "group " + name + " has no limit of its own any more");
    for (const char* operation : {"group_show", "group_remove", "group_resume"}) {
        Outcome refused = front.call(operation, {{"name", name}});
        CHECK(refused.code == "not_found");
        CHECK(refused.message ==
              "there is no group \"" + name + "\" that was set; schedctl group ls lists them");
    }
}

TEMPLATE_TEST_CASE("what can't be a group is refused", "[contract]", OverHttp, OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    for (const char* max : {"0", "-1", "1000001"}) {
        Outcome refused =
            front.call("group_set", {{"name", "g"}, {"max_running", std::stoll(max)}});
        CHECK(refused.code == "bad_field");
        CHECK(refused.message == "max_running must be 1 to 1000000, not " + std::string(max) +
                                     "; group pause starts none of it");
    }
    CHECK(front.call("group_set", {{"name", own<TestType>("most")}, {"max_running", 1'000'000}})
              .is_ok);
    for (const char* operation : {"group_set", "group_pause"}) {
        Outcome refused = front.call(operation, {{"name", "a b"}});
        CHECK(refused.code == "bad_field");
        CHECK(refused.message ==
              "name \"a b\" can't be a group's: letters, digits, _, . and -, the first of them a "
              "letter, a digit or _");
    }
    Outcome job = front.call("add", {{"job_name", "busybox"}, {"time", "1h"}, {"group", "a/b"}});
    CHECK(job.code == "bad_field");
    CHECK(job.message.find("name \"a/b\" can't be a group's") == 0);
    for (int limit : {0, 1001}) {
        Outcome refused = front.call("group_list", {{"limit", limit}});
        CHECK(refused.message == "limit must be 1 to 1000, not " + std::to_string(limit));
    }
}

TEMPLATE_TEST_CASE("groups are listed by name, page by page", "[contract]", OverHttp, OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    std::vector<std::string> names;
    for (const char* name : {"p1", "p2", "p3"}) {
        names.push_back(own<TestType>(name));
        REQUIRE(front.call("group_set", {{"name", names.back()}, {"max_running", 1}}).is_ok);
    }
    for (int limit : {1, 1000})
        CHECK(front.call("group_list", {{"limit", limit}}).is_ok);
    std::vector<std::string> listed;
    Json params = {{"limit", 2}, {"after", own<TestType>("p")}};
    while (true) {
        Outcome page = front.call("group_list", params);
        REQUIRE(page.is_ok);
        for (const Json& group : page.value.at("groups"))
            listed.push_back(group.at("name"));
        if (!page.value.contains("next")) break;
        params["after"] = page.value.at("next");
    }
    listed.resize(std::min<std::size_t>(listed.size(), 3));
    CHECK(listed == names);
}

TEMPLATE_TEST_CASE("a job names its group, and an edit another one",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    Outcome added =
        front.call("add", {{"job_name", "busybox"}, {"time", "1h"}, {"group", "never_set"}});
    REQUIRE(added.is_ok);
    Json job = added.value.at("job");
    CHECK(job.at("spec").at("group") == "never_set");
    Outcome edited = front.call("edit", {{"job_id", job.at("id")}, {"group", "other"}});
    REQUIRE(edited.is_ok);
    CHECK(edited.value.at("job").at("spec").at("group") == "other");
    edited = front.call("edit", {{"job_id", job.at("id")}, {"unset", Json::array({"group"})}});
    REQUIRE(edited.is_ok);
    CHECK_FALSE(edited.value.at("job").at("spec").contains("group"));
}

}  // namespace scheduler::test
