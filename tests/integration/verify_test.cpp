/// verify against a real engine: the promise, checked from outside, and the traces that strangers
/// leave.

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/live_daemon.hpp"

namespace scheduler::test {
namespace {

constexpr const char* image = "test/busybox:1";

/// A container that a stranger made, with the labels of another one.
class Imitation {
  public:
    Imitation(const std::string& original, const std::string& name) : name_(name) {
        std::string found = engine_call("GET", "/containers/" + original + "/json");
        auto begin = found.find("\"Labels\":") + std::string("\"Labels\":").size();
        std::string labels = found.substr(begin, found.find('}', begin) + 1 - begin);
        std::string body = R"({"Image":")" + std::string(image) +
                           R"(","Cmd":["sleep","1000"],"Labels":)" + labels + "}";
        const char* host = std::getenv("DOCKER_HOST");
        std::string socket = std::string(host).substr(std::string("unix://").size());
        (void)testing::run_program({"curl",
                                    "-sS",
                                    "-X",
                                    "POST",
                                    "--unix-socket",
                                    socket,
                                    "-H",
                                    "Content-Type: application/json",
                                    "-d",
                                    body,
                                    "http://d/containers/create?name=" + name});
        (void)engine_call("POST", "/containers/" + name_ + "/start");
    }
    Imitation(const Imitation&) = delete;
    Imitation& operator=(const Imitation&) = delete;
    ~Imitation() { (void)engine_call("DELETE", "/containers/" + name_ + "?force=1&v=1"); }

  private:
    std::string name_;
};

std::string add(const LiveDaemon& daemon, const std::string& script) {
    return daemon.ask({"add", image, "--now", "-q", "--", "sh", "-c", script});
}

}  // namespace

TEST_CASE("verify finds nothing while jobs run, end, fail, are killed and wait", "[e2e]") {
    LiveDaemon daemon;
    auto running = add(daemon, "while :; do sleep 0.1; done");
    auto killed = add(daemon, "while :; do sleep 0.1; done");
    REQUIRE(eventually([&] { return daemon.status(running) == "running"; }));
    (void)daemon.ask({"add", image, "--in", "1h", "-q"});
    (void)daemon.ask({"add", "nosuch/image:9", "--now", "-q"});
    REQUIRE(eventually([&] { return daemon.status(killed) == "running"; }));
    REQUIRE(daemon.schedctl({"kill", "--now", "--wait", killed}).exit_code == 0);
    // Each of these moves through all its states while it is looked at.
    for (int i = 0; i < 5; ++i) {
        (void)add(daemon, "echo some output");
        auto result = daemon.schedctl({"verify"});
        INFO(result.out << result.err);
        REQUIRE(result.exit_code == 0);
        REQUIRE(result.out.find("all is well: ") == 0);
    }
    REQUIRE(daemon.schedctl({"verify", "--json"}).out.find(R"("well":true)") != std::string::npos);
}

TEST_CASE("verify finds what strangers did to containers and output", "[e2e]") {
    if (std::string(std::getenv("DOCKER_HOST") != nullptr ? std::getenv("DOCKER_HOST") : "")
            .rfind("unix://", 0) != 0)
        return;
    LiveDaemon daemon;
    auto running = add(daemon, "while :; do sleep 0.1; done");
    auto ended = add(daemon, "echo done");
    REQUIRE(daemon.schedctl({"wait", ended}).exit_code == 0);
    REQUIRE(eventually([&] { return daemon.status(running) == "running"; }));
    std::vector<std::string> containers;
    REQUIRE(eventually([&] {
        return !(containers = containers_with_label("schedulerd.job=" + running)).empty();
    }));

    Imitation second(containers.front(), "schedulerd-verify-second-" + running);
    auto output =
        std::filesystem::path(daemon.state_dir()) / "logs" / ended.substr(30) / (ended + ".1");
    REQUIRE(std::filesystem::remove(output));
    auto result = daemon.schedctl({"verify"});
    INFO(result.out << result.err);
    CHECK(result.exit_code == 1);
    CHECK(result.out.find("doubled       job 1 (test/busybox:1) has a second container ") !=
          std::string::npos);
    CHECK(result.out.find("lost          job 2 (test/busybox:1) ran, and its output of attempt 1 "
                          "is not there\n") != std::string::npos);
    CHECK(result.out.find("not all is well: 1 lost, 1 doubled in 2 jobs, 2 containers and ") !=
          std::string::npos);
}

}  // namespace scheduler::test
