/// Jobs that are tried again, with a real engine. Needs test/busybox:1.

#include <algorithm>
#include <fstream>
#include <iterator>

#include <signal.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/live_daemon.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler::test {
namespace {

using Words = std::vector<std::string>;

constexpr const char* image = "test/busybox:1";

/// Each run leaves a line in a file that only runs append to.
struct Tries {
    TempDir dir;
    LiveDaemon daemon;

    /// Fails until its run number `good`.
    [[nodiscard]] Words job(int good, const Words& options) const {
        Words words{"add", image, "--now", "-v", dir.path().native() + ":/d"};
        words.insert(words.end(), options.begin(), options.end());
        words.insert(words.end(),
                     {"--",
                      "sh",
                      "-c",
                      "echo run >> /d/runs; n=$(wc -l < /d/runs); echo attempt $n; exit $((n < " +
                          std::to_string(good) + "))"});
        return words;
    }
    [[nodiscard]] long runs() const {
        std::ifstream file(dir.path() / "runs");
        return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    }
    [[nodiscard]] nlohmann::json show() const {
        return nlohmann::json::parse(daemon.ask({"show", "last", "--json"}));
    }
};

}  // namespace

TEST_CASE("a job that fails is tried again, and each attempt keeps its output and outcome",
          "[e2e]") {
    Tries tries;
    const LiveDaemon& daemon = tries.daemon;
    auto followed =
        daemon.schedctl(tries.job(3, {"--retries", "5", "--retry-delay", "1s", "--follow"}));
    CAPTURE(followed.out, followed.err);
    CHECK(followed.exit_code == 0);
    CHECK(followed.out.ends_with("attempt 1\nattempt 2\nattempt 3\n"));
    CHECK(tries.runs() == 3);
    auto job = tries.show();
    CHECK(job.at("finish_status") == "success");
    CHECK(job.at("attempt") == 3);
    REQUIRE(job.at("attempts").size() == 3);
    CHECK(job.at("attempts").at(0).at("exit_code") == 1);
    CHECK(job.at("attempts").at(2).at("finish_status") == "success");
    CHECK(daemon.ask({"logs", "last"}) == "attempt 3");
    CHECK(daemon.ask({"logs", "--attempt", "1", "last"}) == "attempt 1");
    auto verified = daemon.schedctl({"verify"});
    INFO(verified.out << verified.err);
    CHECK(verified.exit_code == 0);
}

TEST_CASE("a line that an attempt did not end is none of the next one's", "[e2e]") {
    LiveDaemon daemon;
    auto id = daemon.ask({"add",
                          image,
                          "--in",
                          "1s",
                          "-q",
                          "--retries",
                          "1",
                          "--retry-delay",
                          "1s",
                          "--",
                          "sh",
                          "-c",
                          "echo one; printf two; exit 1"});
    auto followed = daemon.schedctl({"logs", "-f", "--grep", "^(one|two)", id});
    CHECK(followed.exit_code == 0);
    CHECK(followed.out == "one\ntwo\none\ntwo\n");
}

TEST_CASE("a daemon that is killed between two attempts runs the next one once", "[e2e]") {
    Tries tries;
    LiveDaemon& daemon = tries.daemon;
    REQUIRE(daemon.schedctl(tries.job(2, {"--retries", "1", "--retry-delay", "4s"})).exit_code ==
            0);
    REQUIRE(eventually([&] { return tries.show().contains("attempts"); }));
    CHECK(daemon.ask({"why", "last"}).find("attempt 1 of 2 failed with exit code 1") !=
          std::string::npos);
    auto late = daemon.schedctl({"edit", "last", "--expires", "5m"});
    CHECK(late.exit_code == 1);
    CHECK(late.err.find("was started already: it waits for attempt 2; leave expires out") !=
          std::string::npos);
    (void)daemon.stop(SIGKILL);
    daemon.start();
    CHECK(daemon.schedctl({"wait", "last"}).exit_code == 0);
    CHECK(tries.runs() == 2);
    CHECK(daemon.schedctl({"verify"}).exit_code == 0);
}

}  // namespace scheduler::test
