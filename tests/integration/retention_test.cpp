/// Retention with the real daemon, a real engine and a real disk.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/live_daemon.hpp"

namespace scheduler::test {
namespace {

const std::string image = "test/busybox:1";

std::string run_job(const LiveDaemon& daemon, const std::string& script) {
    std::string id = daemon.ask({"add", image, "--now", "-q", "--", "sh", "-c", script});
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 0);
    return id;
}

TEST_CASE("output that was removed to make room is gone, and its job is not", "[e2e]") {
    LiveDaemon daemon;
    auto first = run_job(daemon, "seq 1 2000");
    auto second = run_job(daemon, "echo kept");
    auto pruned = daemon.schedctl({"prune", "--log-total", "1k", "--json"});
    REQUIRE(pruned.exit_code == 0);
    auto answer = nlohmann::json::parse(pruned.out);
    CHECK(answer.at("jobs") == 0);
    CHECK(answer.at("outputs") == 1);
    CHECK(answer.at("output_bytes") > 2000);
    auto logs = daemon.schedctl({"logs", first});
    CHECK(logs.exit_code == 1);
    CHECK_THAT(logs.err, Catch::Matchers::Contains("was removed"));
    auto http = testing::run_program({"curl",
                                      "-s",
                                      "-o",
                                      "/dev/null",
                                      "-w",
                                      "%{http_code}",
                                      daemon.http_address() + "/job/" + first + "/logs"});
    CHECK(http.out == "410");
    CHECK(daemon.finish_status(first) == "success");
    CHECK(daemon.ask({"logs", second}) == "kept");

    CHECK(daemon.ask({"prune", "--keep", "1", "-n"}).rfind("would remove 1 job;", 0) == 0);
    CHECK(daemon.ask({"prune", "--keep", "1"}).rfind("removed 1 job;", 0) == 0);
    CHECK(daemon.schedctl({"show", first}).exit_code == 4);
    CHECK(daemon.ask({"logs", second}) == "kept");
}

TEST_CASE("on a full disk prune makes room", "[e2e]") {
    LiveDaemon daemon(LiveDaemon::SmallDisk{64});
    if (!daemon.has_own_disk()) {
        WARN("skipped: a small disk needs the right to mount one");
        return;
    }
    std::vector<std::string> rm{"rm"};
    for (int i = 0; i < 150; ++i)
        rm.push_back(daemon.ask({"add", image, "--in", "1h", "-q", "--", std::string(4096, 'x')}));
    REQUIRE(daemon.schedctl(rm).exit_code == 0);
    REQUIRE(eventually([&] { return std::filesystem::exists(daemon.state_dir() + "/ballast"); }));

    std::string filler = daemon.state_dir() + "/filler";
    (void)testing::run_program({"dd", "if=/dev/zero", "of=" + filler, "bs=4096"});
    REQUIRE(eventually([&] {
        auto add = daemon.schedctl({"add", image, "--in", "1h", "--", std::string(8192, 'x')});
        return add.exit_code == 1 && add.err.find("full") != std::string::npos;
    }));
    auto pruned = daemon.schedctl({"prune", "--older-than", "0s", "--json"});
    INFO(pruned.err << daemon.log());
    REQUIRE(pruned.exit_code == 0);
    CHECK(nlohmann::json::parse(pruned.out).at("jobs") == 150);
    CHECK(daemon.log().find("ballast_dropped") != std::string::npos);
    // What was removed is room for new jobs.
    CHECK(daemon.schedctl({"add", image, "--in", "1h"}).exit_code == 0);
    std::filesystem::remove(filler);
    REQUIRE(daemon.schedctl({"prune"}).exit_code == 0);
    CHECK(eventually([&] { return std::filesystem::exists(daemon.state_dir() + "/ballast"); }));
}

}  // namespace
}  // namespace scheduler::test
