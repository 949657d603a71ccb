/// History that is shortened by hand and by the daemon, and what late jobs look like.

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

/// A job in history, without an engine.
std::string canceled(OverSocket& front) {
    Outcome added = front.call("add", {{"job_name", "busybox"}, {"time", "1h"}});
    REQUIRE(added.is_ok);
    std::string id = added.value.at("id");
    REQUIRE(front.call("remove", {{"job_id", id}}).is_ok);
    return id;
}

void check_refused(const Outcome& outcome, const std::string& code) {
    INFO(outcome.message);
    CHECK_FALSE(outcome.is_ok);
    CHECK(outcome.code == code);
}

}  // namespace

TEMPLATE_TEST_CASE("prune removes ended jobs and says how many",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    OverSocket other(daemon);
    std::string oldest = canceled(other);
    std::string newest = canceled(other);
    Outcome waiting = other.call("add", {{"job_name", "busybox"}, {"time", "1h"}});

    Outcome said = front.call("prune", {{"older_than", "0s"}, {"dry_run", true}});
    REQUIRE(said.is_ok);
    CHECK(said.value.at("jobs") == 2);
    CHECK(said.value.at("dry_run") == true);
    CHECK(said.value.at("message") == "would remove 2 jobs; 0 bytes of output would go");
    CHECK(front.call("show", {{"job_id", oldest}}).is_ok);

    // Nothing is as old as the daemon keeps jobs.
    CHECK(front.call("prune").value.at("jobs") == 0);
    CHECK(front.call("prune", {{"older_than", "1h"}}).value.at("jobs") == 0);

    Outcome done = front.call("prune", {{"older_than", "0s"}});
    REQUIRE(done.is_ok);
    CHECK(done.value.at("jobs") == 2);
    CHECK(done.value.at("output_bytes") == 0);
    CHECK(done.value.at("containers") == 0);
    CHECK(done.value.at("message") == "removed 2 jobs; 0 bytes of output went");
    for (const std::string& id : {oldest, newest})
        check_refused(front.call("show", {{"job_id", id}}), "job_not_found");
    CHECK(front.call("show", {{"job_id", waiting.value.at("id")}}).is_ok);

    Outcome status = front.call("status");
    CHECK(status.value.at("purged") == 2);
    CHECK(status.value.at("jobs").at("did_not_run") == 0);
    CHECK(status.value.at("jobs").at("scheduled") == 1);
    CHECK(status.value.at("output_bytes") == 0);
    CHECK(status.value.at("log_total") > 0);
}

TEMPLATE_TEST_CASE("prune names what it can't read", "[contract]", OverHttp, OverSocket) {
    TestType front(shared_daemon());
    check_refused(front.call("prune", {{"older_than", "soon"}}), "bad_time");
    check_refused(front.call("prune", {{"keep", -1}}), "bad_field");
    check_refused(front.call("prune", {{"log_total", "5"}}), "bad_field");
    check_refused(front.call("prune", {{"until", "1d"}}), "unknown_field");
}

TEST_CASE("a key lives as long as its job", "[contract]") {
    DaemonProcess daemon;
    OverSocket front(daemon);
    Json params = {{"job_name", "busybox"}, {"time", "1h"}, {"key", "k"}};
    Outcome first = front.call("add", params);
    REQUIRE(first.is_ok);
    REQUIRE(front.call("remove", {{"job_id", first.value.at("id")}}).is_ok);
    CHECK(front.call("add", params).value.at("id") == first.value.at("id"));
    REQUIRE(front.call("prune", {{"older_than", "0s"}}).value.at("jobs") == 1);
    Outcome second = front.call("add", params);
    REQUIRE(second.is_ok);
    CHECK(second.value.at("id") != first.value.at("id"));
    CHECK(second.value.at("job").at("number") == 2);
}

TEST_CASE("whoever resumes events after ones that were removed is told by a reset", "[contract]") {
    DaemonProcess daemon;
    OverSocket front(daemon);
    (void)canceled(front);
    REQUIRE(front.call("prune", {{"older_than", "0s"}}).value.at("jobs") == 1);
    RpcClient missed(daemon.socket_path());
    (void)missed.send("subscribe", {{"after_seq", 1}});
    Json reset = missed.read().at("params").at("item");
    CHECK(reset.at("reset") == true);
    CHECK(reset.at("seq") == 2);
    // Who saw the last of them missed nothing, and reads on.
    RpcClient saw_all(daemon.socket_path());
    (void)saw_all.send("subscribe", {{"after_seq", 2}});
    REQUIRE(front.call("add", {{"job_name", "busybox"}, {"time", "1h"}}).is_ok);
    Json next = saw_all.read().at("params").at("item");
    CHECK_FALSE(next.contains("reset"));
    CHECK(next.at("seq") == 3);
}

TEST_CASE("SIGHUP reloads what history is kept", "[contract]") {
    TempDir dir;
    auto config = dir.write("conf", "history-count = 100\n").string();
    DaemonProcess daemon({"--config", config});
    OverSocket front(daemon);
    std::string first = canceled(front);
    std::string second = canceled(front);
    CHECK(front.call("prune").value.at("jobs") == 0);
    dir.write("conf", "history-count = 1\n");
    daemon.send_signal(SIGHUP);
    // A job without a container goes by its age alone while no engine can be asked.
    REQUIRE(eventually([&] { return daemon.log().find(" reloaded") != std::string::npos; }));
    Outcome pruned = front.call("prune", {{"dry_run", true}});
    CHECK_THAT(pruned.value.at("warning").get<std::string>(),
               Catch::Matchers::Contains("until the engine"));
}

TEST_CASE("many clients that submit under one key at once get one job and one answer",
          "[contract]") {
    DaemonProcess daemon;
    constexpr int clients = 8;
    constexpr int keys = 25;
    std::vector<std::vector<Json>> answers(clients);
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (int client = 0; client < clients; ++client)
        threads.emplace_back([&, client] {
            auto submit_all = [&](auto front) {
                ++ready;
                while (ready < clients)
                    std::this_thread::yield();
                for (int key = 0; key < keys; ++key) {
                    Outcome outcome = front.call("add",
                                                 {{"job_name", "busybox"},
                                                  {"time", "1h"},
                                                  {"key", "race-" + std::to_string(key)}});
                    outcome.value["is_ok"] = outcome.is_ok;
                    answers[static_cast<std::size_t>(client)].push_back(outcome.value);
                }
            };
            if (client % 2 == 0)
                submit_all(OverHttp(daemon));
            else
                submit_all(OverSocket(daemon));
        });
    for (std::thread& thread : threads)
        thread.join();
    for (std::size_t key = 0; key < keys; ++key) {
        int added = 0;
        for (auto& of_client : answers) {
            Json answer = of_client.at(key);
            REQUIRE(answer.at("is_ok") == true);
            if (!answer.contains("replayed")) ++added;
            answer.erase("replayed");
            Json first = answers.front().at(key);
            first.erase("replayed");
            CHECK(answer == first);
        }
        CHECK(added == 1);
    }
    OverSocket front(daemon);
    CHECK(front.call("status").value.at("jobs").at("scheduled") == keys);
    CHECK(front.call("list", {{"limit", 1000}}).value.at("jobs").size() == keys);
}

TEST_CASE("clients that submit different jobs under one key at once: one is added, others are 422",
          "[contract]") {
    DaemonProcess daemon;
    constexpr int clients = 8;
    std::vector<Outcome> outcomes(clients);
    std::atomic<int> ready = 0;
    std::vector<std::thread> threads;
    for (int client = 0; client < clients; ++client)
        threads.emplace_back([&, client] {
            auto submit = [&](auto front) {
                ++ready;
                while (ready < clients)
                    std::this_thread::yield();
                return front.call("add",
                                  {{"job_name", "busybox"},
                                   {"time", std::to_string(client + 1) + "h"},
                                   {"key", "contested"}});
            };
            outcomes[static_cast<std::size_t>(client)] =
                client % 2 == 0 ? submit(OverHttp(daemon)) : submit(OverSocket(daemon));
        });
    for (std::thread& thread : threads)
        thread.join();
    int added = 0;
    for (const Outcome& outcome : outcomes) {
        if (outcome.is_ok)
            ++added;
        else
            CHECK(outcome.code == "key_reused");
    }
    CHECK(added == 1);
    CHECK(OverSocket(daemon).call("status").value.at("jobs").at("scheduled") == 1);
}

TEMPLATE_TEST_CASE("a job that is overdue is seen in status, lists and metrics, with the reason",
                   "[contract]",
                   OverHttp,
                   OverSocket) {
    DaemonProcess daemon;
    TestType front(daemon);
    Outcome future = front.call("add", {{"job_name", "busybox"}, {"time", "1h"}});
    CHECK_FALSE(future.value.at("job").contains("lateness_ms"));
    CHECK(front.call("status").value.value("warnings", Json::array()).empty());

    Outcome due = front.call("add", {{"job_name", "busybox"}, {"time", "0s"}});
    REQUIRE(due.is_ok);
    auto late_by = [&] {
        return front.call("show", {{"job_id", due.value.at("id")}}).value.value("lateness_ms", 0);
    };
    REQUIRE(eventually([&] { return late_by() >= 1000; }));
    Outcome status = front.call("status");
    CHECK(status.value.at("overdue") == 1);
    std::string warning = status.value.at("warnings").at(0);
    CHECK_THAT(warning, Catch::Matchers::StartsWith("1 job is overdue, the first since "));
    CHECK_THAT(warning, Catch::Matchers::Contains("engine"));
    Json jobs = front.call("list").value.at("jobs");
    CHECK(jobs.at(0).at("lateness_ms") >= 1000);
    CHECK_FALSE(jobs.at(1).contains("lateness_ms"));
    std::string metrics = http(daemon.port(), "GET", "/metrics").body;
    CHECK_THAT(metrics, Catch::Matchers::Contains("\nschedulerd_jobs_overdue 1\n"));
    CHECK_THAT(metrics, Catch::Matchers::Contains("\nschedulerd_jobs_late_total 0\n"));

    REQUIRE(front.call("pause").is_ok);
    warning = front.call("status").value.at("warnings").at(0);
    CHECK_THAT(warning, Catch::Matchers::Contains("paused"));
}

TEST_CASE("the daemon raises its soft limit of descriptors to the hard one", "[contract]") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = std::min<rlim_t>(before.rlim_max - 1, 256);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    DaemonProcess daemon;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    std::ifstream limits("/proc/" + std::to_string(daemon.pid()) + "/limits");
    std::string line;
    while (std::getline(limits, line) && line.rfind("Max open files", 0) != 0) {
    }
    std::istringstream words(line.substr(std::string("Max open files").size()));
    std::string soft;
    std::string hard;
    words >> soft >> hard;
    CHECK(soft == hard);
    CHECK(hard == std::to_string(before.rlim_max));
}

}  // namespace scheduler::test
