/// The real programs with a real engine, from end to end, as a user sees them. Needs
/// test/busybox:1.

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "common/requests/logs.hpp"
#include "tests/support/live_daemon.hpp"
#include "tests/support/rpc_client.hpp"

namespace scheduler::test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

constexpr const char* image = "test/busybox:1";

/// Adds a job that runs `script` and gives its id.
std::string add(const LiveDaemon& daemon,
                const std::string& in,
                const std::string& script,
                Words more = {}) {
    Words words{"add", image, "--in", in, "-q"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--", "sh", "-c", script});
    return daemon.ask(words);
}

/// The id of the job's container, once it is there.
std::string container_of(const std::string& id) {
    std::vector<std::string> containers;
    REQUIRE(eventually(
        [&] { return !(containers = containers_with_label("schedulerd.job=" + id)).empty(); }));
    return containers[0];
}

std::string http_get(const LiveDaemon& daemon, const std::string& target) {
    return testing::run_program({"curl", "-sS", daemon.http_address() + target}).out;
}

bool has_ended(const LiveDaemon& daemon, const std::string& id) {
    return eventually([&] {
        auto status = daemon.status(id);
        return status == "finished" || status == "canceled";
    });
}

/// Once the newest output is there.
bool has_line(const LiveDaemon& daemon, const std::string& id, const std::string& line) {
    return daemon.schedctl({"logs", "--tail", "1", id}).out == line + '\n';
}

struct Piece {
    std::string bytes;
    std::string place;
};

/// What `logs` streams over the socket from a place on.
std::vector<Piece> output_after(const LiveDaemon& daemon,
                                const std::string& id,
                                const std::string& after,
                                bool timestamps) {
    RpcClient client(daemon.socket_path());
    client.send("logs", {{"job_id", id}, {"after", after}, {"timestamps", timestamps}});
    std::vector<Piece> pieces;
    for (auto line = client.read(); line.contains("params"); line = client.read()) {
        const auto& item = line["params"]["item"];
        pieces.push_back(
            {Base64Bytes::parse(item["data"].get<std::string>()).value().bytes, item["place"]});
    }
    return pieces;
}

TEST_CASE("a job runs when it is due, and its output and exit code are kept", "[e2e]") {
    LiveDaemon daemon;
    auto id = add(daemon, "1s", "echo to stdout; echo to stderr >&2; exit 3");
    auto waited = daemon.schedctl({"wait", id});
    REQUIRE(waited.exit_code == 3);
    REQUIRE(daemon.finish_status(id) == "failed");
    auto logs = daemon.schedctl({"logs", id});
    REQUIRE(logs.out == "to stdout\n");
    REQUIRE(logs.err == "to stderr\n");
    REQUIRE(eventually([&] { return containers_with_label("schedulerd.job=" + id).empty(); }));
}

TEST_CASE("add --follow shows the output and exits with the job's code", "[e2e]") {
    LiveDaemon daemon;
    auto result = daemon.schedctl({"add",
                                   image,
                                   "--now",
                                   "--follow",
                                   "--",
                                   "sh",
                                   "-c",
                                   "echo one; sleep 2; echo two; exit 5"});
    REQUIRE(result.out == "one\ntwo\n");
    REQUIRE(result.exit_code == 5);
}

TEST_CASE("environment and command reach the container, and values are hidden in answers",
          "[e2e]") {
    LiveDaemon daemon;
    auto id = add(daemon, "0s", "echo $COLOR", {"-e", "COLOR=secret-red"});
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 0);
    REQUIRE(daemon.schedctl({"logs", id}).out == "secret-red\n");
    auto shown = daemon.ask({"show", id, "--json"});
    REQUIRE(shown.find("hidden") != std::string::npos);
    REQUIRE(shown.find("secret-red") == std::string::npos);
    REQUIRE(daemon.log().find("secret-red") == std::string::npos);
}

TEST_CASE("what can't run is failed, and says why", "[e2e]") {
    LiveDaemon daemon;
    struct Row {
        Words words;
        std::string error;
    };
    auto row = GENERATE(values<Row>({
        {{"add", "JOB_A", "--now", "-q"}, "repository name must be lowercase"},
        {{"add", "nosuch/image:9", "--now", "-q"}, "No such image: nosuch/image:9"},
        {{"add", image, "--now", "-q", "--", "nosuchcommand"}, "executable file not found"},
        {{"add", image, "--now", "-q"}, "No command specified"},
        {{"add", image, "--now", "-q", "--", "/etc"}, "permission denied"},
    }));
    auto id = daemon.ask(row.words);
    REQUIRE(has_ended(daemon, id));
    REQUIRE(daemon.finish_status(id) == "failed");
    INFO(daemon.ask({"show", id, "--json"}));
    REQUIRE(daemon.ask({"show", id, "--json"}).find(row.error) != std::string::npos);
    REQUIRE(eventually([&] { return containers_with_label("schedulerd.job=" + id).empty(); }));
}

TEST_CASE("a running job is killed, and one over its timeout times out", "[e2e]") {
    LiveDaemon daemon;
    SECTION("kill") {
        auto id = add(daemon, "0s", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done");
        REQUIRE(eventually([&] { return daemon.schedctl({"logs", id}).out == "up\n"; }));
        REQUIRE(daemon.schedctl({"kill", id}).exit_code == 0);
        REQUIRE(daemon.schedctl({"wait", id}).exit_code == 137);
        REQUIRE(daemon.finish_status(id) == "killed");
    }
    SECTION("kill --now") {
        auto id = add(daemon, "0s", "trap '' TERM; while :; do sleep 0.1; done");
        REQUIRE(eventually([&] { return daemon.status(id) == "running"; }));
        REQUIRE(daemon.schedctl({"kill", "--now", id}).exit_code == 0);
        REQUIRE(daemon.schedctl({"wait", id}).exit_code == 137);
    }
    SECTION("timeout") {
        auto id = add(
            daemon, "0s", "trap 'exit 0' TERM; while :; do sleep 0.1; done", {"--timeout", "1s"});
        REQUIRE(daemon.schedctl({"wait", id}).exit_code == 124);
        REQUIRE(daemon.finish_status(id) == "timed_out");
    }
}

TEST_CASE("kill -9 of the daemon loses nothing: a running job is adopted, with its whole output",
          "[e2e]") {
    LiveDaemon daemon;
    auto running =
        add(daemon, "0s", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done; exit 4");
    auto scheduled = add(daemon, "1h", "true");
    auto overdue = add(daemon, "2s", "echo ran late");
    REQUIRE(eventually([&] { return daemon.status(running) == "running"; }));
    (void)daemon.stop(SIGKILL);
    std::this_thread::sleep_for(2s);  // `overdue` comes due while no daemon runs
    daemon.start();
    REQUIRE(eventually([&] { return daemon.status(scheduled) == "scheduled"; }));
    REQUIRE(daemon.schedctl({"wait", running}).exit_code == 4);
    REQUIRE(daemon.schedctl({"logs", running}).out == "1\n2\n3\n4\n5\n6\n7\n8\n");
    REQUIRE(daemon.schedctl({"wait", overdue}).exit_code == 0);
    REQUIRE(daemon.schedctl({"logs", overdue}).out == "ran late\n");
}

TEST_CASE("a follow goes on after a restart, also when the output is over its limit", "[e2e]") {
    LiveDaemon daemon({"--log-limit", "128KiB"});
    // More than twice the limit, so that the daemon's copy loses some of it.
    auto id =
        add(daemon,
            "0s",
            "trap 'echo the end; exit 0' TERM; yes $(seq 1 100 | tr -d '\\n') | head -n 1500; "
            "echo up; while :; do sleep 0.1; done");
    testing::Program follow({SCHEDCTL_PATH, "--socket", daemon.socket_path(), "logs", "-f", id});
    REQUIRE(eventually([&] { return has_line(daemon, id, "up"); }));
    (void)daemon.stop(SIGKILL);
    daemon.start();
    REQUIRE(eventually([&] { return has_line(daemon, id, "up"); }));
    REQUIRE(daemon.schedctl({"kill", id}).exit_code == 0);
    auto result = follow.finish();
    CHECK(result.exit_code == 0);
    const std::string end = "\nup\nthe end\n";
    REQUIRE(result.out.size() > end.size());
    CHECK(result.out.substr(result.out.size() - end.size()) == end);
    CHECK(result.out.find("\nup\n") == result.out.rfind("\nup\n"));
}

TEST_CASE("output goes on from the place of any piece of it", "[e2e]") {
    LiveDaemon daemon;
    // One stream after the other has been read: the engine reads them apart, in any order.
    auto id = add(daemon,
                  "0s",
                  "trap 'echo oops >&2' USR1; trap 'printf tail; exit' USR2; seq 1 20; "
                  "while :; do sleep 0.05; done");
    auto says = [&](const std::string& line) {
        auto logs = daemon.schedctl({"logs", id});
        return (logs.out + logs.err).find(line) != std::string::npos;
    };
    REQUIRE(eventually([&] { return says("20\n"); }));
    auto container = container_of(id);
    (void)engine_call("POST", "/containers/" + container + "/kill?signal=USR1");
    REQUIRE(eventually([&] { return says("oops\n"); }));
    (void)engine_call("POST", "/containers/" + container + "/kill?signal=USR2");
    REQUIRE(has_ended(daemon, id));
    for (bool timestamps : {false, true}) {
        auto whole = output_after(daemon, id, "0.0", timestamps);
        REQUIRE(whole.size() >= 3);
        std::string rest;
        for (auto piece = whole.rbegin(); piece + 1 != whole.rend(); ++piece) {
            rest = piece->bytes + rest;
            std::string again;
            for (const auto& more : output_after(daemon, id, (piece + 1)->place, timestamps))
                again += more.bytes;
            CHECK(again == rest);
        }
        const std::string& end = whole.back().place;
        CHECK(output_after(daemon, id, end, timestamps).empty());
        // Inside of the last piece, `tail`: nothing is said twice, and no stamp stands in a line.
        auto inside = output_after(daemon, id, end.substr(0, end.find('.')) + ".2", timestamps);
        REQUIRE(inside.size() == 1);
        CHECK(inside[0].bytes == "il");
    }
    test::RpcClient client(daemon.socket_path());
    CHECK(client.call("logs", {{"job_id", id}, {"after", "12"}}).contains("error"));
    CHECK(client.call("logs", {{"job_id", id}, {"after", "1.1"}, {"tail", 1}}).contains("error"));
}

TEST_CASE("SIGTERM leaves containers running and exits 0; the next daemon records their end",
          "[e2e]") {
    LiveDaemon daemon;
    auto id = add(daemon, "0s", "sleep 3; echo done; exit 6");
    REQUIRE(eventually([&] { return daemon.status(id) == "running"; }));
    REQUIRE(daemon.stop(SIGTERM) == 0);
    REQUIRE(containers_with_label("schedulerd.job=" + id).size() == 1);
    daemon.start();
    REQUIRE(eventually([&] { return daemon.finish_status(id) == "failed"; }));
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 6);
    REQUIRE(daemon.schedctl({"logs", id}).out == "done\n");
}

TEST_CASE("exit codes of an engine's restart are a job's own when only the daemon was away",
          "[e2e]") {
    LiveDaemon daemon;
    auto ends_meanwhile =
        add(daemon, "0s", "trap 'exit 255' USR1; echo ready; while :; do sleep 0.1; done");
    auto ends_later = add(daemon, "0s", "sleep 600");
    auto is_in_state = [](const std::string& container, const std::string& state) {
        return eventually([&] {
            auto answer = engine_call("GET", "/containers/" + container + "/json");
            return answer.find("\"Status\":\"" + state + '"') != std::string::npos;
        });
    };
    auto container = container_of(ends_meanwhile);
    REQUIRE(eventually([&] { return daemon.schedctl({"logs", ends_meanwhile}).out == "ready\n"; }));
    REQUIRE(is_in_state(container_of(ends_later), "running"));
    (void)daemon.stop(SIGKILL);
    (void)engine_call("POST", "/containers/" + container + "/kill?signal=USR1");
    REQUIRE(is_in_state(container, "exited"));
    daemon.start();
    REQUIRE(eventually([&] { return daemon.finish_status(ends_meanwhile) == "failed"; }));
    REQUIRE(daemon.schedctl({"wait", ends_meanwhile}).exit_code == 255);
    (void)engine_call("POST", "/containers/" + container_of(ends_later) + "/kill?signal=KILL");
    REQUIRE(daemon.schedctl({"wait", ends_later}).exit_code == 137);
    REQUIRE(daemon.finish_status(ends_later) == "failed");
}

TEST_CASE("what a running job has printed is there as soon as someone asks", "[e2e]") {
    LiveDaemon daemon;
    auto id = add(daemon, "0s", "seq 1 1000; sleep 600");
    auto container = container_of(id);
    REQUIRE(eventually([&] {
        auto last = engine_call("GET", "/containers/" + container + "/logs?stdout=1&tail=1");
        return last.find("1000") != std::string::npos;
    }));
    auto words = GENERATE(Words{}, Words{"--tail", "1000"});
    words.insert(words.begin(), {"logs", id});
    auto logs = daemon.schedctl(words);
    CHECK(std::count(logs.out.begin(), logs.out.end(), '\n') == 1000);
    CHECK(logs.out.find("\n1000\n") != std::string::npos);
    (void)daemon.schedctl({"rm", "-f", id});
}

TEST_CASE("a container that a stranger removes makes its job lost", "[e2e]") {
    LiveDaemon daemon;
    auto id = add(daemon, "0s", "sleep 600");
    REQUIRE(eventually([&] { return daemon.status(id) == "running"; }));
    (void)engine_call("DELETE", "/containers/" + container_of(id) + "?force=1&v=1");
    REQUIRE(has_ended(daemon, id));
    REQUIRE(daemon.finish_status(id) == "lost");
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 125);
}

TEST_CASE("a second daemon on the same state directory, socket or port is told so", "[e2e]") {
    LiveDaemon daemon;
    auto port = daemon.http_address().substr(std::string("http://").size());
    auto start = [](Words words) {
        words.insert(words.begin(), SCHEDULERD_PATH);
        return testing::run_program(words);
    };
    TempDir other;
    auto state = start(
        {"--state-dir", daemon.state_dir(), "--socket", other / "s", "--listen", "127.0.0.1:0"});
    REQUIRE(state.exit_code == 1);
    REQUIRE(state.err.find(std::to_string(daemon.pid())) != std::string::npos);
    auto socket = start(
        {"--state-dir", other / "d", "--socket", daemon.socket_path(), "--listen", "127.0.0.1:0"});
    REQUIRE(socket.exit_code == 1);
    REQUIRE(socket.err.find(daemon.socket_path()) != std::string::npos);
    auto http = start({"--state-dir", other / "d", "--socket", other / "s", "--listen", port});
    REQUIRE(http.exit_code == 1);
    REQUIRE(http.err.find(port) != std::string::npos);
    REQUIRE(daemon.schedctl({"status"}).exit_code == 0);
}

TEST_CASE("without an engine jobs stay scheduled, and status says why", "[e2e][no-engine]") {
    LiveDaemon daemon({"--engine", "unix:///nonexistent/engine.sock"});
    auto id = add(daemon, "0s", "true");
    auto status = daemon.schedctl({"status"});
    REQUIRE(status.exit_code == 1);
    REQUIRE(status.out.find("/nonexistent/engine.sock") != std::string::npos);
    REQUIRE(daemon.status(id) == "scheduled");
    REQUIRE(daemon.ask({"why", id}).find("/nonexistent/engine.sock") != std::string::npos);
}

TEST_CASE("pause holds due jobs back over a restart, and resume starts them", "[e2e]") {
    LiveDaemon daemon;
    REQUIRE(daemon.schedctl({"pause"}).exit_code == 0);
    auto id = add(daemon, "0s", "true");
    (void)daemon.stop(SIGKILL);
    daemon.start();
    REQUIRE(eventually([&] {
        return daemon.schedctl({"why", id}).out.find("paused") != std::string::npos;
    }));
    REQUIRE(daemon.status(id) == "scheduled");
    auto begin = std::chrono::steady_clock::now();
    REQUIRE(eventually([&] { return std::chrono::steady_clock::now() - begin > 1s; }));
    REQUIRE(http_get(daemon, "/readyz") == "{\"message\":\"ready; paused; `resume` goes on\"}");
    REQUIRE(daemon.schedctl({"resume"}).exit_code == 0);
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 0);
    REQUIRE(http_get(daemon, "/readyz") == "{\"message\":\"ready\"}");
    REQUIRE(daemon.schedctl({"why", id}).out.find("after it was due: paused") != std::string::npos);
    auto removed = add(daemon, "1h", "true");
    REQUIRE(daemon.schedctl({"rm", removed}).exit_code == 0);
    auto metrics = http_get(daemon, "/metrics");
    REQUIRE(metrics.find("jobs{state=\"finished\"} 1\n") != std::string::npos);
    REQUIRE(metrics.find("jobs{state=\"canceled\"} 1\n") != std::string::npos);
}

TEST_CASE("a full disk refuses jobs, and all goes on by itself when there is space", "[e2e]") {
    LiveDaemon daemon(LiveDaemon::SmallDisk{});
    if (!daemon.has_own_disk()) {
        WARN("skipped: a small disk needs the right to mount one");
        return;
    }
    std::string filler = daemon.state_dir() + "/filler";
    auto fill_disk = [&] {
        (void)testing::run_program({"dd", "if=/dev/zero", "of=" + filler, "bs=4096"});
        REQUIRE(eventually([&] {
            auto add = daemon.schedctl({"add", image, "--in", "1h", "--", std::string(8192, 'x')});
            return add.exit_code == 1 && add.err.find("full") != std::string::npos;
        }));
    };
    auto free_disk = [&] {
        std::filesystem::remove(filler);
        REQUIRE(eventually(
            [&] { return http_get(daemon, "/readyz").find("ready") != std::string::npos; }));
    };
    auto kept = add(daemon, "1h", "true");
    fill_disk();
    REQUIRE(http_get(daemon, "/readyz").find("full") != std::string::npos);
    free_disk();  // though nobody writes
    // A job that ends meanwhile is settled when there is space.
    auto running = add(daemon, "0s", "sleep 600");
    REQUIRE(eventually([&] { return daemon.status(running) == "running"; }));
    auto container = container_of(running);
    fill_disk();
    (void)engine_call("POST", "/containers/" + container + "/kill?signal=KILL");
    // Ended, or gone already: the log of the database may have had room for one small outcome.
    REQUIRE(eventually([&] {
        return engine_call("GET", "/containers/" + container + "/json").find("\"Running\":true") ==
               std::string::npos;
    }));
    free_disk();
    REQUIRE(daemon.schedctl({"wait", running}).exit_code == 137);
    REQUIRE(daemon.status(kept) == "scheduled");
}

TEST_CASE("rm takes a scheduled job back, and rm -f kills a running one", "[e2e]") {
    LiveDaemon daemon;
    auto scheduled = add(daemon, "1h", "true");
    REQUIRE(daemon.schedctl({"rm", scheduled}).exit_code == 0);
    REQUIRE(daemon.status(scheduled) == "canceled");
    REQUIRE(daemon.finish_status(scheduled) == "did_not_run");
    auto running = add(daemon, "0s", "trap 'exit 0' TERM; while :; do sleep 0.1; done");
    REQUIRE(eventually([&] { return daemon.status(running) == "running"; }));
    REQUIRE(daemon.schedctl({"rm", running}).exit_code == 1);
    REQUIRE(daemon.schedctl({"rm", "-f", running}).exit_code == 0);
    REQUIRE(has_ended(daemon, running));
    REQUIRE(daemon.finish_status(running) == "killed");
}

TEST_CASE("output of some megabytes is kept whole and without frame headers", "[e2e][bulk]") {
    LiveDaemon daemon;
    auto id = add(daemon, "0s", "seq 1 200000");
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 0);
    auto logs = daemon.schedctl({"logs", id});
    std::string expected;
    for (int i = 1; i <= 200000; ++i)
        expected += std::to_string(i) + '\n';
    REQUIRE((logs.out == expected));
    REQUIRE(daemon.schedctl({"logs", "--tail", "2", id}).out == "199999\n200000\n");
}

std::string lines_to(int last) {
    std::string text;
    for (int i = 1; i <= last; ++i)
        text += std::to_string(i) + '\n';
    return text;
}

/// Of `err`: the bytes that are said to be missing; fails the test if they are not counted.
std::size_t missing_bytes(const std::string& err) {
    const std::string before = "[schedulerd: ";
    auto begin = err.find(before);
    if (begin == std::string::npos) return 0;
    return std::stoul(err.substr(begin + before.size()));  // throws for "at least"
}

// The engine counts its own wrapping of each line, so short lines once lost their beginning, and
// with it the end, far below the limit and without a word.
TEST_CASE("of many short lines the first and the last are kept, and what is missing is counted",
          "[e2e][bulk]") {
    bool is_small = GENERATE(false, true);
    int lines = GENERATE(10000, 200000, 1000000);
    LiveDaemon daemon(is_small ? Words{"--log-limit", "128KiB"} : Words{});
    auto followed = daemon.schedctl(
        {"add", image, "--now", "--follow", "--", "seq", "1", std::to_string(lines)});
    REQUIRE(followed.exit_code == 0);
    auto id = daemon.ask({"ls", "-a", "-q"});
    auto logs = daemon.schedctl({"logs", id});
    const std::string all = lines_to(lines);
    std::size_t limit = is_small ? std::size_t{128} * 1024 : std::size_t{10} * 1024 * 1024;
    CAPTURE(is_small, lines, followed.err, logs.err);
    for (const auto* result : {&followed, &logs}) {
        std::string end = '\n' + std::to_string(lines) + '\n';
        CHECK(result->out.rfind("1\n2\n", 0) == 0);
        CHECK((result->out.size() > end.size() && result->out.ends_with(end)));
    }
    CHECK(logs.out.size() + missing_bytes(logs.err) == all.size());
    CHECK(logs.out.size() == std::min(all.size(), limit));
    if (all.size() <= limit) CHECK((logs.out == all && followed.out == all));
}

TEST_CASE("a job's own limit of output stands in for the daemon's, above it and below",
          "[e2e][bulk]") {
    auto [common, own, kept] = GENERATE(table<std::string, std::string, std::size_t>(
        {{"10MiB", "128KiB", 128 * 1024}, {"128KiB", "1MiB", 1024 * 1024}}));
    LiveDaemon daemon({"--log-limit", common});
    constexpr int lines = 200000;
    auto followed = daemon.schedctl({"add",
                                     image,
                                     "--now",
                                     "--follow",
                                     "--log-limit",
                                     own,
                                     "--",
                                     "seq",
                                     "1",
                                     std::to_string(lines)});
    REQUIRE(followed.exit_code == 0);
    auto logs = daemon.schedctl({"logs", "last"});
    CAPTURE(common, own, logs.err);
    CHECK(logs.out.size() == kept);
    CHECK(logs.out.size() + missing_bytes(logs.err) == lines_to(lines).size());
    CHECK(logs.out.ends_with('\n' + std::to_string(lines) + '\n'));
}

TEST_CASE("an output of more than the engine keeps has its beginning, its end and a gap",
          "[e2e][bulk]") {
    LiveDaemon daemon({"--log-limit", "128KiB"});
    // The job begins slowly, so that its beginning is followed, and then prints 250 MB.
    auto id = add(daemon,
                  "0s",
                  "echo first; sleep 3; head -c 250000000 /dev/zero | tr '\\0' x | fold -w 1000; "
                  "echo; echo last");
    REQUIRE(daemon.schedctl({"wait", id}).exit_code == 0);
    auto logs = daemon.schedctl({"logs", id});
    CHECK(logs.out.rfind("first\n", 0) == 0);
    CHECK(logs.out.ends_with("x\nlast\n"));
    CHECK(logs.out.size() <= 128 * 1024);
    CHECK_THAT(logs.err, Catch::Contains("[schedulerd: at least "));
}

}  // namespace
TEST_CASE("lines that match are found in the output of all jobs of a name", "[e2e]") {
    LiveDaemon daemon;
    for (std::string text : {"hello one", "other", "hello two"})
        REQUIRE(daemon
                    .schedctl({"add",
                               image,
                               "--now",
                               "--wait",
                               "--",
                               "sh",
                               "-c",
                               "echo " + text + "; echo hello err >&2"})
                    .exit_code == 0);
    auto found = daemon.schedctl({"logs", "--name", image, "--grep", "^hello [a-z]*$"});
    CHECK(found.exit_code == 0);
    CHECK(found.out == "1: hello one\n3: hello two\n");
    CHECK(found.err == "1: hello err\n2: hello err\n3: hello err\n");
    auto newest = daemon.schedctl(
        {"logs", "--name", image, "-n", "2", "--stream", "stdout", "--since", "1h"});
    CHECK(newest.out == "2: other\n3: hello two\n");
    CHECK(daemon.schedctl({"logs", "--grep", "two", "3"}).out == "hello two\n");
    auto json = daemon.schedctl({"logs", "--name", image, "--grep", "two", "--json"});
    CHECK(json.out == R"({"number":3,"stream":"stdout","data":"aGVsbG8gdHdvCg=="})"
                      "\n");
    CHECK(daemon.schedctl({"logs", "--grep", "nothing", "3"}).exit_code == 1);
    auto none = daemon.schedctl({"logs", "--name", "no_such_name"});
    CHECK(none.exit_code == 0);
    CHECK(none.err == "schedctl: no job of the name no_such_name has run\n");
    CHECK(daemon.schedctl({"logs", "--name", image, "--grep", "nothing"}).exit_code == 1);
    // One whose output can't be read is told, and does not hide the others.
    std::filesystem::remove_all(std::filesystem::path(daemon.state_dir()) / "logs");
    auto lost = daemon.schedctl({"logs", "--name", image});
    CHECK(lost.out.empty());
    CHECK(lost.err.find("is not there: ") != std::string::npos);
    for (const Words& wrong : {Words{"logs", "--name", image, "3"},
                               Words{"logs"},
                               Words{"logs", "--name", image, "-f"},
                               Words{"logs", "-n", "1", "3"},
                               Words{"logs", "--grep", "(", "3"}})
        CHECK(daemon.schedctl(wrong).exit_code == 2);
}

}  // namespace scheduler::test
