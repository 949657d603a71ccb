/// Definitions over both front ends: set, shown, listed, removed, and run under their name.

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

/// Names of one front end's test, so that the suites don't meet.
template <class Front>
std::string own(const std::string& name) {
    return std::string(Front::name) + '.' + name;
}

template <class Front>
Json set(Front& front, const std::string& name, const Json& fields) {
    Json params = {{"name", name}, {"image", "busybox"}};
    params.update(fields);
    Outcome outcome = front.call("def_set", params);
    INFO(outcome.message);
    REQUIRE(outcome.is_ok);
    return outcome.value;
}

template <class Front>
Outcome add(Front& front, const std::string& name, const Json& fields = Json::object()) {
    Json params = {{"job_name", name}, {"time", "1h"}};
    params.update(fields);
    return front.call("add", params);
}

}  // namespace

TEMPLATE_TEST_CASE("a definition is set, shown, changed and removed",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string name = own<TestType>("JOB_A");
    Json first = set(front, name, {{"command", Json::array({"true"})}, {"memory", "64MiB"}});
    auto revision = first.at("definition").at("revision").get<std::int64_t>();
    CHECK(first.at("message") ==
          "definition " + name + " is set, revision " + std::to_string(revision));
    Json shown = front.call("def_show", {{"name", name}}).value;
    CHECK(shown == first.at("definition"));
    CHECK(shown.at("name") == name);
    CHECK(shown.at("spec") ==
          Json({{"image", "busybox"}, {"command", Json::array({"true"})}, {"memory", "64MiB"}}));
    CHECK(shown.contains("updated_at"));
    CHECK(shown.contains("updated_by"));

    Json same = set(front, name, {{"command", Json::array({"true"})}, {"memory", "64MiB"}});
    CHECK(same.at("message") ==
          "definition " + name + " is as it was, revision " + std::to_string(revision));
    // As a whole: what is not given again is gone.
    Json second = set(front, name, {{"command", Json::array({"false"})}});
    CHECK(second.at("definition").at("revision") > revision);
    CHECK(second.at("definition").at("spec") ==
          Json({{"image", "busybox"}, {"command", Json::array({"false"})}}));

    Outcome removed = front.call("def_remove", {{"name", name}});
    REQUIRE(removed.is_ok);
    CHECK(removed.value.at("message") == "definition " + name + " was removed");
    for (const char* operation : {"def_show", "def_remove"}) {
        Outcome gone = front.call(operation, {{"name", name}});
        CHECK(gone.code == "not_found");
        CHECK(gone.message ==
              "there is no definition \"" + name + "\"; schedctl def ls lists them");
    }
    Json again = set(front, name, {{"command", Json::array({"true"})}});
    CHECK(again.at("definition").at("revision") > second.at("definition").at("revision"));
}

TEMPLATE_TEST_CASE("a job runs what its definition was when it was submitted",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string name = own<TestType>("JOB_B");
    Json made =
        set(front, name, {{"command", Json::array({"old"})}, {"env", {{"A", "1"}, {"B", "2"}}}});
    Outcome added = add(front, name, {{"env", {{"B", "3"}}}, {"user", "1000"}});
    REQUIRE(added.is_ok);
    std::string id = added.value.at("id");
    CHECK(added.value.at("message") ==
          "job " + name + " with id " + id + " will be scheduled to run in 1h");
    CHECK_FALSE(added.value.contains("warning"));
    set(front, name, {{"command", Json::array({"new"})}});

    Json job = front.call("show", {{"job_id", id}}).value;
    CHECK(job.at("job_name") == name);
    CHECK(job.at("definition_revision") == made.at("definition").at("revision"));
    CHECK(job.at("spec") == Json({{"image", "busybox"},
                                  {"command", Json::array({"old"})},
                                  {"env", {{"A", "hidden"}, {"B", "hidden"}}},
                                  {"user", "1000"}}));
    Outcome now = add(front, name);
    CHECK(now.value.at("job").at("spec").at("command") == Json::array({"new"}));
    Outcome dry = add(front, name, {{"dry_run", true}});
    CHECK(dry.value.at("job").at("definition_revision") ==
          now.value.at("job").at("definition_revision"));
}

TEMPLATE_TEST_CASE("a name without a definition is an image, and says no revision",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    Outcome image = add(front, "busybox");
    CHECK_FALSE(image.value.at("job").contains("definition_revision"));
    Outcome neither = add(front, own<TestType>("NO_JOB"));
    CHECK(neither.value.at("warning").get<std::string>().find(
              "is neither a definition nor a valid image reference") != std::string::npos);
}

TEMPLATE_TEST_CASE("a repeat under a key is the first one's job, whatever became of its definition",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string name = own<TestType>("JOB_C");
    set(front, name, {{"command", Json::array({"old"})}});
    Json key = {{"key", own<TestType>("key of JOB_C")}};
    Outcome first = add(front, name, key);
    REQUIRE(first.is_ok);
    SECTION("changed") {
        set(front, name, {{"command", Json::array({"new"})}});
    }
    SECTION("removed") {
        REQUIRE(front.call("def_remove", {{"name", name}}).is_ok);
    }
    Outcome again = add(front, name, key);
    REQUIRE(again.is_ok);
    CHECK(again.value.at("id") == first.value.at("id"));
    CHECK(again.value.at("job").at("spec").at("command") == Json::array({"old"}));
}

TEMPLATE_TEST_CASE("environment values of a definition are not told, and kept",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string name = own<TestType>("JOB_D");
    set(front, name, {{"env", {{"TOKEN", "s3cret"}}}});
    Json shown = front.call("def_show", {{"name", name}}).value;
    CHECK(shown.at("spec").at("env") == Json({{"TOKEN", "hidden"}}));
    // Given back as it was shown it is the same.
    Json same = set(front, name, {{"env", {{"TOKEN", "hidden"}}}});
    CHECK(same.at("definition").at("revision") == shown.at("revision"));
    Outcome refused = front.call(
        "def_set", {{"name", name}, {"image", "busybox"}, {"env", {{"OTHER", "hidden"}}}});
    CHECK(refused.code == "bad_field");
    CHECK(refused.message == "definition " + name +
                                 ": env OTHER is \"hidden\", which stands for a value that is not "
                                 "shown, and there is none; give its value");
}

TEMPLATE_TEST_CASE("a bad definition is refused, and says what is wrong",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    auto refused = [&](Json params) {
        Outcome outcome = front.call("def_set", params);
        CHECK_FALSE(outcome.is_ok);
        return outcome.message;
    };
    CHECK(refused({{"name", "a b"}, {"image", "busybox"}}) ==
          "name \"a b\" can't be a definition's: letters, digits, _, . and -, the first of them a "
          "letter, a digit or _");
    CHECK(refused({{"name", "a"}}) == "image is missing: say which image definition a runs");
    CHECK(refused({{"name", "a"}, {"image", "UPPER"}}).find("image \"UPPER\" can't be used: ") ==
          0);
    CHECK(refused({{"name", "a"}, {"image", "busybox"}, {"workdir", "data"}}) ==
          "workdir \"data\" is not an absolute path; write one that begins with /");
    CHECK(refused({{"name", "a"}, {"image", "busybox"}, {"memroy", "1g"}})
              .find("\"memroy\" is not a known field") == 0);
}

TEMPLATE_TEST_CASE("an import sets all or none", "[contract]", OverHttp, OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    const std::string one = own<TestType>("one");
    const std::string two = own<TestType>("two");
    auto entry = [](const std::string& name, Json spec) {
        spec["image"] = "busybox";
        return Json{{"name", name}, {"spec", std::move(spec)}};
    };
    Outcome refused = front.call(
        "def_import", {{"definitions", {entry(one, {}), entry(two, {{"workdir", "relative"}})}}});
    CHECK(refused.message ==
          "definitions[1]: workdir \"relative\" is not an absolute path; write "
          "one that begins with /; none was set");
    CHECK(front.call("def_show", {{"name", one}}).code == "not_found");
    // Found out within the transaction.
    refused =
        front.call("def_import",
                   {{"definitions", {entry(one, {}), entry(two, {{"env", {{"A", "hidden"}}}})}}});
    CHECK(refused.message.find("definition " + two + ": env A is \"hidden\"") == 0);
    CHECK(front.call("def_show", {{"name", one}}).code == "not_found");
    refused = front.call("def_import", {{"definitions", {entry(one, {}), entry(one, {})}}});
    CHECK(refused.message == "definitions[1]: " + one + " is there twice; none was set");
    refused = front.call("def_import", {{"definitions", Json::array()}});
    CHECK(refused.message == "definitions holds 0, and takes 1 to 1000; set them in parts");

    Outcome done = front.call("def_import", {{"definitions", {entry(one, {}), entry(two, {})}}});
    INFO(done.message);
    REQUIRE(done.is_ok);
    CHECK(done.value.at("message") == "2 definitions set, 0 as before");
    done =
        front.call("def_import", {{"definitions", {entry(one, {}), entry(two, {{"user", "1"}})}}});
    CHECK(done.value.at("message") == "1 definition set, 1 as before");
    CHECK(done.value.at("definitions").at(1).at("spec").at("user") == "1");
}

TEMPLATE_TEST_CASE("definitions are listed by name, page by page",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(trusting_daemon(), trusted_token);
    std::vector<std::string> names;
    for (int i = 0; i < 5; ++i)
        names.push_back(own<TestType>("list" + std::to_string(i)));
    for (const std::string& name : names)
        set(front, name, Json::object());
    std::vector<std::string> listed;
    Json params = {{"limit", 2}, {"after", own<TestType>("list")}};
    for (;;) {
        Outcome page = front.call("def_list", params);
        INFO(page.message);
        REQUIRE(page.is_ok);
        CHECK(page.value.at("definitions").size() <= 2);
        for (const Json& definition : page.value.at("definitions"))
            if (definition.at("name").get<std::string>().find(own<TestType>("list")) == 0)
                listed.push_back(definition.at("name"));
        if (!page.value.contains("next")) break;
        params["after"] = page.value.at("next");
    }
    CHECK(listed == names);
    for (int limit : {0, 1001}) {
        Outcome refused = front.call("def_list", {{"limit", limit}});
        CHECK(refused.message == "limit must be 1 to 1000, not " + std::to_string(limit));
    }
    CHECK(front.call("def_list", {{"limit", 1000}}).is_ok);
}

TEST_CASE("as many definitions are set at once as the limit says", "[contract]") {
    DaemonProcess daemon;
    OverSocket socket(daemon);
    Json all = Json::array();
    for (int i = 0; i < 1000; ++i)
        all.push_back({{"name", "d" + std::to_string(i)}, {"spec", {{"image", "busybox"}}}});
    Outcome done = socket.call("def_import", {{"definitions", all}});
    CHECK(done.value.at("message") == "1000 definitions set, 0 as before");
    all.push_back({{"name", "d1000"}, {"spec", {{"image", "busybox"}}}});
    CHECK(socket.call("def_import", {{"definitions", all}}).message ==
          "definitions holds 1001, and takes 1 to 1000; set them in parts");
}

TEST_CASE("HTTP without a token runs what others defined as it is, and changes nothing of it",
          "[contract]") {
    DaemonProcess daemon;
    OverHttp http(daemon);
    OverSocket socket(daemon);
    const Json power = {{"name", "POWER"}, {"image", "busybox"}, {"network", "host"}};
    Outcome refused = http.call("def_set", power);
    CHECK(refused.code == "forbidden");
    CHECK(refused.message.find("network \"host\" is not taken over HTTP without a token") == 0);
    REQUIRE(socket.call("def_set", power).is_ok);
    const Json secret = {{"name", "SECRET"}, {"image", "busybox"}, {"env", {{"TOKEN", "s3"}}}};
    REQUIRE(socket.call("def_set", secret).is_ok);

    for (const auto& [name, field] :
         {std::pair("POWER", std::string("network")), std::pair("SECRET", std::string("env"))}) {
        refused = http.call("def_set", {{"name", name}, {"image", "busybox"}});
        CHECK(refused.code == "forbidden");
        CHECK(refused.message.find("definition " + std::string(name) + " was set by uid:") == 0);
        CHECK(http.call("def_remove", {{"name", name}}).code == "forbidden");
        CHECK(add(http, name).is_ok);
        refused = add(http, name, {{"command", Json::array({"env"})}});
        CHECK(refused.code == "forbidden");
        CHECK(refused.message.find("definition " + std::string(name) + " has " + field +
                                   ", so over HTTP without a token it runs as it is") == 0);
        CHECK(add(socket, name, {{"command", Json::array({"sh"})}}).is_ok);
    }
}

TEST_CASE("what anyone could have defined gets no power over the host", "[contract]") {
    DaemonProcess daemon;
    OverHttp http(daemon);
    OverSocket socket(daemon);
    REQUIRE(http.call("def_set", {{"name", "alpine"}, {"image", "evil"}}).is_ok);
    REQUIRE(http.call("def_set", {{"name", "alpine"}, {"image", "other"}}).is_ok);
    Outcome refused = add(socket, "alpine", {{"network", "host"}});
    CHECK(refused.code == "forbidden");
    CHECK(refused.message ==
          "definition alpine was set over HTTP without a token, by any local user, so network is "
          "not given over it; set it yourself first, or name the image");
    CHECK(add(socket, "alpine", {{"user", "1000"}}).is_ok);
    // Its own environment is the caller's to change.
    REQUIRE(http.call("def_set", {{"name", "own"}, {"image", "x"}, {"env", {{"A", "1"}}}}).is_ok);
    CHECK(add(http, "own", {{"command", Json::array({"sh"})}}).is_ok);
    CHECK(http.call("def_remove", {{"name", "own"}}).is_ok);
}

TEST_CASE("on one connection a submit is read by the definition that was set before it",
          "[contract]") {
    DaemonProcess daemon;
    RpcClient client(daemon.socket_path());
    constexpr int rounds = 20;
    for (int i = 0; i < rounds; ++i) {
        client.send(
            "def_set",
            {{"name", "JOB"}, {"image", "busybox"}, {"command", Json::array({std::to_string(i)})}});
        client.send("add", {{"job_name", "JOB"}, {"time", "1h"}});
    }
    for (int i = 0; i < rounds; ++i) {
        client.read();
        Json added = client.read();
        REQUIRE(added.contains("result"));
        CHECK(added.at("result").at("job").at("spec").at("command") ==
              Json::array({std::to_string(i)}));
    }
}

}  // namespace scheduler::test
