/// What can be asked of jobs and of the daemon, over both front ends. There is no engine: jobs stay
/// scheduled, also when they are due.

#include <csignal>

#include <catch2/catch.hpp>

#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

const std::string unknown_id = "0123456789abcdef0123456789abcdef";

template <class Front>
std::string add(Front& front, Json params = Json::object()) {
    params.emplace("job_name", "busybox");
    if (!params.contains("date")) params.emplace("time", "1h");
    Outcome outcome = front.call("add", params);
    INFO(outcome.message);
    REQUIRE(outcome.is_ok);
    return outcome.value.at("id");
}

std::vector<std::string> ids_of(const Json& list) {
    std::vector<std::string> ids;
    for (const Json& job : list.at("jobs"))
        ids.push_back(job.at("id"));
    return ids;
}

}  // namespace

TEMPLATE_TEST_CASE("a job is shown as it was answered", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    Outcome added = front.call("add", {{"job_name", "busybox"}, {"time", "1h"}});
    Outcome shown = front.call("show", {{"job_id", added.value.at("id")}});
    REQUIRE(shown.is_ok);
    CHECK(shown.value == added.value.at("job"));
}

TEMPLATE_TEST_CASE("an unknown job is not found by any operation",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    for (std::string operation : {"show", "remove", "run", "kill", "why", "wait"}) {
        INFO(operation);
        Json params = {{"job_id", unknown_id}};
        if (operation == "wait") params["timeout"] = "1s";
        Outcome outcome = front.call(operation, params);
        CHECK(outcome.code == "job_not_found");
        CHECK(outcome.message == "job with id " + unknown_id + " not found");
    }
}

TEMPLATE_TEST_CASE("a removed job is in history, and stays", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    std::string id = add(front);
    Outcome removed = front.call("remove", {{"job_id", id}});
    REQUIRE(removed.is_ok);
    CHECK(removed.value == Json({{"message", "job " + id + " was de-scheduled"}}));

    Json job = front.call("show", {{"job_id", id}}).value;
    CHECK(job.at("status") == "canceled");
    CHECK(job.at("finish_status") == "did_not_run");
    CHECK(job.at("finish_date").get<std::string>().size() ==
          std::string("20-06-2027 20:00:00").size());
    CHECK_FALSE(job.contains("exit_code"));

    for (std::string operation : {"remove", "run", "kill"}) {
        INFO(operation);
        CHECK(front.call(operation, {{"job_id", id}}).code == "job_in_history");
    }
}

TEMPLATE_TEST_CASE("run makes a job due now, kill needs a running one",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    std::string id = add(front);
    std::string due_before = front.call("show", {{"job_id", id}}).value.at("due_at");
    Outcome run = front.call("run", {{"job_id", id}});
    REQUIRE(run.is_ok);
    CHECK(run.value.at("message").get<std::string>().find(id) != std::string::npos);
    CHECK(front.call("show", {{"job_id", id}}).value.at("due_at") < Json(due_before));
    CHECK(front.call("kill", {{"job_id", id}}).code == "job_not_running");
    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
}

TEMPLATE_TEST_CASE("wait answers at the end of the wait, or of the job",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    std::string id = add(front);
    Outcome early = front.call("wait", {{"job_id", id}, {"timeout", "0s"}});
    REQUIRE(early.is_ok);
    CHECK(early.value.at("status") == "scheduled");
    for (std::string timeout : {"11m", "601s", "-1s", "", "soon"}) {
        INFO(timeout);
        CHECK_FALSE(front.call("wait", {{"job_id", id}, {"timeout", timeout}}).is_ok);
    }
    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
    Outcome ended = front.call("wait", {{"job_id", id}, {"timeout", "10m"}});
    REQUIRE(ended.is_ok);
    CHECK(ended.value.at("status") == "canceled");
}

TEMPLATE_TEST_CASE("why and status say that there is no engine",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    TestType front(shared_daemon());
    std::string id = add(front, {{"time", "0s"}});
    Outcome why = front.call("why", {{"job_id", id}});
    REQUIRE(why.is_ok);
    CHECK(why.value.at("message").get<std::string>().find("engine") != std::string::npos);
    CHECK(why.value.at("job").at("id") == id);
    Outcome status = front.call("status");
    REQUIRE(status.is_ok);
    CHECK(status.value.at("ready") == false);
    CHECK(status.value.at("reason").get<std::string>().find("engine") != std::string::npos);
    CHECK(status.value.at("jobs").at("scheduled") >= 1);
    CHECK(status.value.at("pid") == shared_daemon().pid());
    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
}

TEMPLATE_TEST_CASE("pause survives a restart, resume never fails",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    {
        TestType front(daemon);
        REQUIRE(front.call("resume").is_ok);
        REQUIRE(front.call("pause").is_ok);
        CHECK(front.call("status").value.at("paused") == true);
        CHECK(front.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).is_ok);
    }
    CHECK(daemon.stop(SIGTERM) == 0);
    daemon.start();
    TestType front(daemon);
    CHECK(front.call("status").value.at("paused") == true);
    REQUIRE(front.call("resume").is_ok);
    CHECK(front.call("status").value.at("paused") == false);
    Outcome limited = front.call("pause", {{"for", "1h"}});
    REQUIRE(limited.is_ok);
    CHECK(front.call("status").value.contains("paused_until"));
    CHECK(front.call("pause", {{"for", "1w"}}).code == "bad_time");
}

TEMPLATE_TEST_CASE("an acknowledged job survives kill -9", "[contract]", OverHttp, OverSocket) {
    DaemonProcess daemon;
    Json job;
    {
        TestType front(daemon);
        job = front.call("show", {{"job_id", add(front)}}).value;
    }
    CHECK(daemon.stop(SIGKILL) == 128 + SIGKILL);
    daemon.start();
    TestType front(daemon);
    CHECK(front.call("show", {{"job_id", job.at("id")}}).value == job);
}

TEMPLATE_TEST_CASE("a list comes in pages, in order, once each",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    std::string third = add(front, {{"time", "3h"}});
    std::string first = add(front, {{"time", "1h"}});
    std::string second = add(front, {{"time", "2h"}});
    std::string gone_first = add(front);
    std::string gone_last = add(front);
    REQUIRE(front.call("remove", {{"job_id", gone_first}}).is_ok);
    REQUIRE(front.call("remove", {{"job_id", gone_last}}).is_ok);
    const std::vector<std::string> all{first, second, third, gone_last, gone_first};

    Outcome whole = front.call("list", {{"limit", 1000}});
    REQUIRE(whole.is_ok);
    CHECK(ids_of(whole.value) == all);
    CHECK_FALSE(whole.value.contains("next"));
    for (const Json& job : whole.value.at("jobs"))
        CHECK_FALSE(job.contains("spec"));

    std::vector<std::string> paged;
    Json params = {{"limit", 2}};
    for (int page = 0; page < 3; ++page) {
        Outcome answer = front.call("list", params);
        REQUIRE(answer.is_ok);
        for (const std::string& id : ids_of(answer.value))
            paged.push_back(id);
        CHECK(answer.value.contains("next") == (page < 2));
        if (answer.value.contains("next")) params["after"] = answer.value.at("next");
    }
    CHECK(paged == all);

    // A place in the list does not move with its job.
    Outcome page = front.call("list", {{"limit", 1}});
    REQUIRE(ids_of(page.value) == std::vector{first});
    REQUIRE(front.call("remove", {{"job_id", first}}).is_ok);
    Outcome rest = front.call("list", {{"limit", 10}, {"after", page.value.at("next")}});
    REQUIRE(rest.is_ok);
    CHECK(ids_of(rest.value) == std::vector{second, third, first, gone_last, gone_first});
    // An id is the place where its job stands now.
    CHECK(ids_of(front.call("list", {{"limit", 10}, {"after", first}}).value) ==
          std::vector{gone_last, gone_first});
}

TEMPLATE_TEST_CASE("filters narrow a list, bad ones are refused",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    std::string kept = add(front, {{"job_name", "busybox"}});
    std::string other = add(front, {{"job_name", "alpine"}, {"date", "01-01-2037 00:00:00"}});
    std::string removed = add(front, {{"job_name", "alpine"}});
    REQUIRE(front.call("remove", {{"job_id", removed}}).is_ok);

    auto list = [&](Json params) {
        params["limit"] = 10;
        Outcome answer = front.call("list", params);
        INFO(answer.message);
        REQUIRE(answer.is_ok);
        return ids_of(answer.value);
    };
    using Ids = std::vector<std::string>;
    CHECK(list({{"status", {"scheduled"}}}) == Ids{kept, other});
    CHECK(list({{"status", {"canceled", "running"}}}) == Ids{removed});
    CHECK(list({{"finish_status", {"did_not_run"}}}) == Ids{removed});
    CHECK(list({{"finish_status", {"success"}}}).empty());
    CHECK(list({{"job_name", "alpine"}}) == Ids{other, removed});
    CHECK(list({{"since", "01-01-2036 00:00:00"}}) == Ids{other});
    CHECK(list({{"until", "01-01-2036 00:00:00"}}) == Ids{kept, removed});

    CHECK(front.call("list", {{"status", {"waiting"}}}).code == "bad_field");
    CHECK(front.call("list", {{"status", {"waiting"}}}).message.find("\"waiting\" is") !=
          std::string::npos);
    CHECK(front.call("list", {{"finish_status", {"good"}}}).code == "bad_field");
    CHECK(front.call("list", {{"since", "yesterday-ish"}}).code == "bad_date");
    CHECK(front.call("list", {{"limit", 0}}).code == "bad_field");
    CHECK(front.call("list", {{"limit", 1001}}).code == "bad_field");
    CHECK(front.call("list", {{"limit", -1}}).code == "bad_field");
    for (std::string after : {"12", "x", ".1.2.3", "", "1.2"})
        CHECK(front.call("list", {{"after", after}}).code == "bad_field");
    for (std::string rest : {".",
                             ".1",
                             ".1.2",
                             ".3.1.1",
                             ".-1.1.1",
                             ".1.1.1.1",
                             ".1.1.x",
                             ".1.99999999999999999999.1"})
        CHECK(front.call("list", {{"after", kept + rest}}).code == "bad_field");
    CHECK(front.call("list", {{"after", unknown_id}}).code == "job_not_found");
    CHECK(front.call("list", {{"lable", "x"}}).code == "unknown_field");
}

}  // namespace scheduler::test
