/// What is scheduled can be changed, held back, put in order and repeated, over both front ends.

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

/// One for both front ends; it has no engine, so that nothing is ever started.
const DaemonProcess& idle_daemon() {
    static const DaemonProcess daemon;
    return daemon;
}

template <class Front>
std::string add(Front& front, const Json& fields = Json::object()) {
    Json params = {{"job_name", "busybox"}, {"time", "1h"}};
    params.update(fields);
    Outcome added = front.call("add", params);
    INFO(added.message);
    REQUIRE(added.is_ok);
    return added.value.at("id");
}

template <class Front>
Json show(Front& front, const std::string& id) {
    return front.call("show", {{"job_id", id}}).value;
}

template <class Front>
Outcome edit(Front& front, const std::string& id, Json fields) {
    fields["job_id"] = id;
    return front.call("edit", fields);
}

}  // namespace

TEMPLATE_TEST_CASE("edit moves a job to another moment", "[contract]", OverHttp, OverSocket) {
    TestType front(idle_daemon());
    std::string id = add(front);
    Outcome edited = edit(front, id, {{"date", "20-06-2037 20:00:00"}});
    INFO(edited.message);
    REQUIRE(edited.is_ok);
    CHECK(edited.value.at("message") ==
          "job " + id + " was changed: it is due 20-06-2037 20:00:00");
    CHECK(edited.value.at("job").at("scheduled_to") == "20-06-2037 20:00:00");
    CHECK(show(front, id).at("scheduled_to") == "20-06-2037 20:00:00");
    CHECK(edit(front, id, {{"time", "2h"}}).is_ok);
    CHECK(edit(front, id, {{"at", "tomorrow 03:00"}}).is_ok);

    edited = edit(front, id, {{"date", "20-06-2020 20:00:00"}, {"past_date", "refuse"}});
    CHECK(edited.code == "bad_date");
    CHECK(edited.message.find("date \"20-06-2020 20:00:00\" is in the past") == 0);
    edited = edit(front, id, {{"date", "20-06-2020 20:00:00"}});
    CHECK(edited.value.at("warning") ==
          "20-06-2020 20:00:00 is in the past, so the job is due at once");
}

TEMPLATE_TEST_CASE("edit changes what runs, field by field", "[contract]", OverHttp, OverSocket) {
    TestType front(idle_daemon());
    std::string id = add(front,
                         {{"command", Json::array({"old"})},
                          {"env", {{"A", "1"}, {"B", "2"}}},
                          {"user", "1000"},
                          {"memory", "64MiB"}});
    std::string due = show(front, id).at("due_at");
    Outcome edited = edit(front,
                          id,
                          {{"command", Json::array({"new"})},
                           {"env", {{"A", "hidden"}, {"C", "3"}}},
                           {"unset", Json::array({"memory"})}});
    INFO(edited.message);
    REQUIRE(edited.is_ok);
    CHECK(show(front, id).at("spec") ==
          Json({{"command", Json::array({"new"})},
                {"env", {{"A", "hidden"}, {"B", "hidden"}, {"C", "hidden"}}},
                {"user", "1000"}}));
    CHECK(show(front, id).at("due_at") == due);
    CHECK(edit(front, id, {{"unset", Json::array({"env"})}}).is_ok);
    CHECK_FALSE(show(front, id).at("spec").contains("env"));
    // What it was repeats in full.
    CHECK(edit(front, id, {{"unset", Json::array({"user", "command"})}, {"user", "7"}}).is_ok);
    CHECK(show(front, id).at("spec") == Json({{"user", "7"}}));
}

TEMPLATE_TEST_CASE("an edit that can't be is refused, and changes nothing",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(idle_daemon());
    std::string id = add(front, {{"env", {{"A", "1"}}}});
    Json before = show(front, id);
    auto refused = [&](const Json& fields) {
        Outcome outcome = edit(front, id, fields);
        CHECK_FALSE(outcome.is_ok);
        return outcome.message;
    };
    CHECK(
        refused(Json::object()) ==
        "nothing is to be changed: give time, date or at, a field of the specification, or unset");
    CHECK(refused({{"time", "2h"}, {"at", "20:00"}}) ==
          "time and at are both given; give exactly one of them");
    CHECK(refused({{"date", "31-02-2037 20:00:00"}}).find("31-02-2037") != std::string::npos);
    CHECK(refused({{"workdir", "data"}, {"time", "2h"}}) ==
          "workdir \"data\" is not an absolute path; write one that begins with /");
    CHECK(refused({{"unset", Json::array({"memroy"})}})
              .find("unset \"memroy\" is no field of the specification; there are image, ") == 0);
    CHECK(refused({{"env", {{"B", "hidden"}}}}).find("env B is \"hidden\"") == 0);
    CHECK(refused({{"image", "UPPER"}}).find("image \"UPPER\" can't be used") == 0);
    CHECK(refused({{"priority", 101}}) == "priority 101 is not from -100 to 100");
    CHECK(show(front, id) == before);

    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
    Outcome late = edit(front, id, {{"time", "2h"}});
    CHECK(late.code == "job_in_history");
    late = edit(front, "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", {{"time", "2h"}});
    CHECK(late.code == "job_not_found");
}

TEMPLATE_TEST_CASE("a held job waits, says for whom, and is let go",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(idle_daemon());
    std::string id = add(front, {{"time", "0s"}});
    Outcome held = front.call("hold", {{"job_id", id}});
    INFO(held.message);
    REQUIRE(held.is_ok);
    CHECK(held.value.at("message") == "job " + id + " is held: it is not started until `release`");
    CHECK(front.call("hold", {{"job_id", id}}).is_ok);
    Json job = show(front, id);
    CHECK(job.at("status") == "scheduled");
    CHECK(job.contains("held_by"));
    CHECK_FALSE(job.contains("lateness_ms"));
    std::string why = front.call("why", {{"job_id", id}}).value.at("message");
    CHECK(why.find("is held by " + job.at("held_by").get<std::string>() +
                   ": `release` lets it go; it is due ") != std::string::npos);
    // It is listed among the others, and is not overdue.
    Outcome listed = front.call("list", {{"status", Json::array({"scheduled"})}, {"limit", 1000}});
    std::string all = listed.value.dump();
    CHECK(all.find(id) != std::string::npos);
    CHECK(front.call("edit", {{"job_id", id}, {"time", "0s"}}).is_ok);
    CHECK(show(front, id).contains("held_by"));

    Outcome released = front.call("release", {{"job_id", id}});
    CHECK(released.value.at("message") == "job " + id + " is released");
    CHECK_FALSE(show(front, id).contains("held_by"));
    CHECK(front.call("release", {{"job_id", id}}).value.at("message") ==
          "job " + id + " was not held");

    REQUIRE(front.call("hold", {{"job_id", id}}).is_ok);
    REQUIRE(front.call("run", {{"job_id", id}}).is_ok);
    CHECK_FALSE(show(front, id).contains("held_by"));
    REQUIRE(front.call("hold", {{"job_id", id}}).is_ok);
    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
    CHECK_FALSE(show(front, id).contains("held_by"));
    for (const char* operation : {"hold", "release"})
        CHECK(front.call(operation, {{"job_id", id}}).code == "job_in_history");
}

TEMPLATE_TEST_CASE("a job is repeated by its id, with what is given over it",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(idle_daemon());
    std::string first = add(
        front,
        {{"command", Json::array({"old"})}, {"env", {{"A", "1"}, {"B", "2"}}}, {"user", "1000"}});
    REQUIRE(front.call("remove", {{"job_id", first}}).is_ok);
    std::string again = add(front, {{"from", first}});
    CHECK(show(front, again).at("spec") == show(front, first).at("spec"));
    std::string other = add(front, {{"from", first}, {"user", "7"}, {"env", {{"B", "3"}}}});
    CHECK(show(front, other).at("spec").at("user") == "7");
    // What reads hidden is what it was.
    std::string same = add(front, {{"from", first}, {"env", {{"A", "hidden"}}}});
    CHECK(show(front, same).at("spec") == show(front, first).at("spec"));
    Outcome renamed = front.call("add", {{"job_name", "nightly"}, {"time", "1h"}, {"from", first}});
    CHECK(renamed.value.at("job").at("spec").at("image") == "busybox");
    CHECK(renamed.value.at("warning").get<std::string>().find(
              "it runs the image busybox of job ") == 0);
    Outcome unknown = front.call(
        "add",
        {{"job_name", "busybox"}, {"time", "1h"}, {"from", "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"}});
    CHECK(unknown.code == "job_not_found");
    // Under a key a repeat is answered, also when what it came from is gone or was another one.
    Json keyed = {{"from", first}, {"key", "from " + first}};
    std::string made = add(front, keyed);
    CHECK(add(front, keyed) == made);
}

TEMPLATE_TEST_CASE("priority is taken from -100 to 100", "[contract]", OverHttp, OverSocket) {
    TestType front(idle_daemon());
    for (int priority : {-100, 0, 100}) {
        std::string id = add(front, {{"priority", priority}});
        CHECK(show(front, id).at("spec").at("priority") == priority);
    }
    for (int priority : {-101, 101}) {
        Outcome refused =
            front.call("add", {{"job_name", "busybox"}, {"time", "1h"}, {"priority", priority}});
        CHECK(refused.message ==
              "priority " + std::to_string(priority) + " is not from -100 to 100");
    }
}

TEMPLATE_TEST_CASE("a job that is not started in its time never is, and says what kept it",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(idle_daemon());
    std::string kept = "it expired: it was not started within 1s after it was due";
    auto ended = [&](const std::string& id) {
        Json job = front.call("wait", {{"job_id", id}, {"timeout", "1m"}}).value;
        CHECK(job.at("status") == "canceled");
        CHECK(job.at("finish_status") == "did_not_run");
        return job.value("error", "");
    };
    CHECK(ended(add(front, {{"time", "0s"}, {"expires", "1s"}})) ==
          kept + " (the engine was unreachable)");

    std::string held = add(front, {{"expires", "5m"}});
    std::string said = front.call("why", {{"job_id", held}}).value.at("message");
    CHECK(said.find("; it expires ") != std::string::npos);
    REQUIRE(front.call("hold", {{"job_id", held}}).is_ok);
    REQUIRE(edit(front, held, {{"expires", "1s"}}).is_ok);
    CHECK(show(front, held).at("status") == "scheduled");
    REQUIRE(edit(front, held, {{"time", "0s"}}).is_ok);
    CHECK(ended(held) == kept + " (it was held)");
    CHECK(front.call("release", {{"job_id", held}}).code == "job_in_history");

    std::string patient = add(front, {{"time", "0s"}, {"expires", "1h"}});
    REQUIRE(edit(front, patient, {{"unset", Json::array({"expires"})}}).is_ok);
    CHECK_FALSE(show(front, patient).at("spec").contains("expires"));
    CHECK(front.call("remove", {{"job_id", patient}}).is_ok);
}

TEST_CASE("a repeat is read by the writes before it on its connection", "[contract]") {
    DaemonProcess daemon;
    RpcClient client(daemon.socket_path());
    constexpr int rounds = 20;
    for (int i = 0; i < rounds; ++i) {
        client.send("add",
                    {{"job_name", "busybox"},
                     {"time", "1h"},
                     {"command", Json::array({std::to_string(i)})}});
        client.send("add", {{"job_name", "busybox"}, {"time", "1h"}, {"from", "last"}});
    }
    for (int i = 0; i < rounds; ++i) {
        client.read();
        Json repeated = client.read();
        REQUIRE(repeated.contains("result"));
        CHECK(repeated.at("result").at("job").at("spec").at("command") ==
              Json::array({std::to_string(i)}));
    }
}

TEST_CASE("HTTP without a token neither changes nor repeats what it could not have asked for",
          "[contract]") {
    OverHttp http(idle_daemon());
    OverSocket socket(idle_daemon());
    std::string id = add(socket, {{"network", "host"}});
    CHECK(edit(http, id, {{"command", Json::array({"sh"})}}).code == "forbidden");
    CHECK(edit(http, id, {{"time", "2h"}}).is_ok);
    // Environment values are shown to nobody, so nobody else may print them.
    std::string secret = add(socket, {{"env", {{"TOKEN", "s3"}}}});
    CHECK(edit(http, secret, {{"command", Json::array({"env"})}}).code == "forbidden");
    CHECK(edit(http, secret, {{"unset", Json::array({"command"})}}).code == "forbidden");
    CHECK(edit(http, secret, {{"time", "2h"}}).is_ok);
    Json repeat = {{"job_name", "busybox"}, {"time", "1h"}, {"from", secret}};
    CHECK(http.call("add", repeat).is_ok);
    repeat["command"] = Json::array({"env"});
    CHECK(http.call("add", repeat).code == "forbidden");
    CHECK(edit(http, add(http, {{"env", {{"A", "1"}}}}), {{"env", {{"A", "2"}}}}).is_ok);
    CHECK(edit(http, add(http), {{"network", "host"}}).code == "forbidden");
    Outcome repeated = http.call("add", {{"job_name", "busybox"}, {"time", "1h"}, {"from", id}});
    CHECK(repeated.code == "forbidden");
}

}  // namespace scheduler::test
