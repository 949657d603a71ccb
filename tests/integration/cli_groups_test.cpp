/// Groups as a person uses them: schedctl group, and jobs that wait for room with a real engine.

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/live_daemon.hpp"

namespace scheduler::test {
namespace {

using Words = std::vector<std::string>;
const std::string image = "test/busybox:1";

std::string add(const LiveDaemon& daemon, const std::string& group, const Words& command) {
    Words words{"add", image, "--now", "-q", "--group", group, "--"};
    words.insert(words.end(), command.begin(), command.end());
    return daemon.ask(words);
}

}  // namespace

TEST_CASE("jobs of a group run one after the other, and others pass them by", "[integration]") {
    LiveDaemon daemon;
    CHECK(daemon.ask({"group", "set", "narrow", "--max", "1"}) == "group narrow runs 1 at once");
    auto first = add(daemon, "narrow", {"sleep", "1000"});
    auto second = add(daemon, "narrow", {"echo", "second"});
    auto other = add(daemon, "other", {"echo", "other"});
    CHECK(daemon.schedctl({"wait", other}).exit_code == 0);
    CHECK(daemon.ask({"group", "ls"}) == "narrow\t1\t1\t1\t-");
    CHECK(daemon.ask({"why", second})
              .find("waits: its group narrow runs 1 at once, and one runs (group set narrow "
                    "--max)") != std::string::npos);
    CHECK(daemon.schedctl({"verify"}).exit_code == 0);
    CHECK(daemon.schedctl({"kill", "--now", first}).exit_code == 0);
    CHECK(daemon.schedctl({"wait", second}).exit_code == 0);
    CHECK(daemon.ask({"logs", second}) == "second");
    CHECK(daemon.ask({"show", second}).find("Group      narrow\n") != std::string::npos);
}

TEST_CASE("a group is paused and resumed, and its limit goes", "[integration]") {
    LiveDaemon daemon;
    CHECK(daemon.ask({"group", "pause", "nightly"}) ==
          "group nightly has no limit of its own, and is paused until `group resume`");
    auto id = add(daemon, "nightly", {"true"});
    // Once the engine is there, which it would say first.
    CHECK(eventually([&] {
        return daemon.ask({"why", id})
                   .find("its group nightly is paused; `group resume nightly`") !=
               std::string::npos;
    }));
    CHECK(daemon.ask({"group", "ls"}) == "nightly\t-\t0\t1\tpaused");
    auto shown = daemon.schedctl({"group", "show", "nightly"});
    CHECK(shown.out.find("Group      nightly\nAt once    no limit\nPaused     until resumed\n"
                         "Running    0\nDue        1\nSet        ") == 0);
    CHECK(daemon.schedctl({"group", "resume", "nightly"}).exit_code == 0);
    CHECK(daemon.schedctl({"wait", id}).exit_code == 0);
    CHECK(daemon.ask({"group", "rm", "nightly"}) ==
          "group nightly has no limit of its own any more");
    CHECK(daemon.schedctl({"group", "ls"}).out.empty());
    auto gone = daemon.schedctl({"group", "show", "nightly"});
    CHECK(gone.exit_code == 1);
    CHECK(gone.err ==
          "schedctl: there is no group \"nightly\" that was set; schedctl group ls lists them\n");
}

TEST_CASE("group says what it takes", "[integration]") {
    LiveDaemon daemon;
    auto bare = daemon.schedctl({"group", "set", "g"});
    CHECK(bare.exit_code == 2);
    CHECK(bare.err.find("--max N is missing: say how many of g run at once") != std::string::npos);
    CHECK(daemon.schedctl({"group", "set", "g", "--max", "0"}).exit_code == 2);
    CHECK(daemon.schedctl({"group", "pause", "g", "--for", "0s"}).exit_code == 2);
    CHECK(daemon.schedctl({"group", "set", "a/b", "--max", "1"}).exit_code == 1);
    CHECK(daemon.schedctl({"group", "--help"}).out.find("pause") != std::string::npos);
}

}  // namespace scheduler::test
