/// The drill: back up a daemon that works, restore elsewhere, and see that nothing runs twice.

#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/live_daemon.hpp"

namespace scheduler::test {
namespace {

constexpr const char* image = "test/busybox:1";

std::string add(const LiveDaemon& daemon, const std::string& in, const std::string& script) {
    return daemon.ask({"add", image, "--in", in, "-q", "--", "sh", "-c", script});
}

}  // namespace

TEST_CASE("a backup is restored elsewhere, and runs nothing that the original ran", "[e2e]") {
    LiveDaemon original;
    auto ended = add(original, "0s", "echo kept");
    REQUIRE(original.schedctl({"wait", ended}).exit_code == 0);
    auto running = add(original, "0s", "while :; do sleep 0.1; done");
    REQUIRE(eventually([&] { return original.status(running) == "running"; }));
    auto soon = add(original, "3s", "echo ran once");
    auto future = add(original, "1h", "echo ran later");
    auto file = original.dir() / "backup.db";
    auto made = original.schedctl({"backup", file});
    INFO(made.out << made.err);
    REQUIRE(made.exit_code == 0);
    auto submitted_later = add(original, "1h", "true");
    REQUIRE(original.schedctl({"wait", soon}).exit_code == 0);
    REQUIRE(original.stop(SIGTERM) == 0);

    SECTION("as it is") {
        LiveDaemon copy(LiveDaemon::Restored{{}, file});
        CHECK(copy.finish_status(ended) == "success");
        auto logs = copy.schedctl({"logs", ended});
        CHECK(logs.exit_code == 1);
        CHECK(logs.err.find("is not there") != std::string::npos);
        CHECK(logs.err.find("restored from a backup") != std::string::npos);
        CHECK(copy.finish_status(running) == "lost");
        CHECK(copy.finish_status(soon) == "did_not_run");
        CHECK(copy.status(future) == "scheduled");
        CHECK(copy.status(submitted_later).empty());
        CHECK(copy.schedctl({"why", soon}).out.find("--run-missed") != std::string::npos);
        auto verified = copy.schedctl({"verify"});
        INFO(verified.out);
        CHECK(verified.exit_code == 0);

        REQUIRE(copy.schedctl({"run", future}).exit_code == 0);
        CHECK(copy.schedctl({"why", future}).out.find("paused") != std::string::npos);
        REQUIRE(copy.schedctl({"resume"}).exit_code == 0);
        REQUIRE(copy.schedctl({"wait", future}).exit_code == 0);
        CHECK(copy.schedctl({"logs", future}).out == "ran later\n");
        CHECK(copy.ask({"show", copy.ask({"add", image, "--in", "1h", "-q"}), "--json"})
                  .find(R"("number":10001)") != std::string::npos);
        verified = copy.schedctl({"verify"});
        INFO(verified.out);
        CHECK(verified.exit_code == 0);
        // The original's container is not the copy's to settle or to remove.
        CHECK(containers_with_label("schedulerd.job=" + running).size() == 1);
        (void)copy.stop(SIGTERM);
    }
    SECTION("told to run what was missed") {
        LiveDaemon copy(LiveDaemon::Restored{{"--run-missed"}, file});
        CHECK(copy.finish_status(running) == "lost");
        CHECK(copy.status(soon) == "scheduled");
        REQUIRE(copy.schedctl({"resume"}).exit_code == 0);
        REQUIRE(copy.schedctl({"wait", soon}).exit_code == 0);
        CHECK(copy.schedctl({"logs", soon}).out == "ran once\n");
        (void)copy.stop(SIGTERM);
    }
    // The original itself goes on where it was.
    original.start();
    CHECK(original.status(running) == "running");
    REQUIRE(original.schedctl({"kill", "--now", "--wait", running}).exit_code == 0);
    auto verified = original.schedctl({"verify"});
    INFO(verified.out);
    CHECK(verified.exit_code == 0);
}

TEST_CASE("backups that are made under load are whole", "[e2e]") {
    LiveDaemon daemon({"--paused"});
    for (int i = 0; i < 3; ++i) {
        auto words = std::vector<std::string>{
            "bash",
            "-c",
            std::string("for i in $(seq 40); do \"$0\" --socket \"$1\" add ") + image +
                " --now -q -- true >/dev/null; done",
            SCHEDCTL_PATH,
            daemon.socket_path()};
        testing::Program adding(words, {});
        auto file = daemon.dir() / ("backup" + std::to_string(i));
        REQUIRE(daemon.schedctl({"backup", file}).exit_code == 0);
        LiveDaemon copy(LiveDaemon::Restored{{"--run-missed"}, file});
        REQUIRE(eventually([&] { return copy.schedctl({"status"}).exit_code == 0; }));
        auto verified = copy.schedctl({"verify"});
        INFO(verified.out);
        CHECK(verified.exit_code == 0);
        CHECK(adding.finish().exit_code == 0);
    }
}

}  // namespace scheduler::test
