/// schedctl as a user runs it, against a daemon that answers by script: wrong lines, exit codes,
/// pipes, and daemons that are not there or hang.

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/scripted_schedctl.hpp"

namespace scheduler {

using namespace std::chrono_literals;
using namespace testing;

TEST_CASE("a wrong line is exit 2 and reaches no daemon", "[schedctl]") {
    ScriptedDaemon daemon(answers({}));
    for (const auto& words :
         std::vector<std::vector<std::string>>{{},
                                               {"lss"},
                                               {"add", "J"},
                                               {"add", "--in", "2m"},
                                               {"add", "J", "--in", "2m", "--now"},
                                               {"add", "J", "--in", "2m", "ls"},
                                               {"add", "J", "--inn", "2m"},
                                               {"add", "J", "--now", "--past", "x"},
                                               {"add", "J", "--now", "--dry-run", "--wait"},
                                               {"add", "J", "--in", "2m", "--past", "run"},
                                               {"add", "J", "--in", "2h30m"},
                                               {"add", "J", "--at", "25:00"},
                                               {"add", "J", "--now", "--timeout", "5x"},
                                               {"add", "J", "--now", "-e", "=x"},
                                               {"add", "J", "--now", "-e", "A=\xff"},
                                               {"add", "J\xff", "--now"},
                                               {"add", "J", "--now", "--image", "i\xff"},
                                               {"add", "J", "--now", "--key", "k\xff"},
                                               {"add", "J", "--now", "--", "ls", "\xff"},
                                               {"ls", "--since", "foo"},
                                               {"ls", "--until", "25:00"},
                                               {"logs", "1", "--since", "foo"},
                                               {"wait", "1", "--for", "1x"},
                                               {"pause", "--for", "abc"},
                                               {"verify", "--since", "foo"},
                                               {"verify", "--late", "1x"},
                                               {"prune", "--older-than", "1x"},
                                               {"prune", "--log-total", "1x"},
                                               {"pause", "--for", "0s"},
                                               {"help", "lss"},
                                               {"edit", "1"},
                                               {"ls", "-n", "0"},
                                               {"ls", "--status", "gone"},
                                               {"show"},
                                               {"logs", "1", "2"},
                                               {"logs", "1", "--stream", "x"},
                                               {"status", "x"}}) {
        INFO(Catch::Detail::stringify(words));
        auto result = schedctl(daemon, words);
        CHECK(result.exit_code == 2);
        CHECK(result.out.empty());
        CHECK_FALSE(result.err.empty());
    }
    CHECK(daemon.calls().empty());
}

TEST_CASE("under --json a wrong line is one object too", "[schedctl]") {
    ScriptedDaemon daemon(answers({}));
    for (const auto& words : std::vector<std::vector<std::string>>{{"--json", "lss"},
                                                                   {"lss", "--json"},
                                                                   {"--json", "--nonsense"},
                                                                   {"--json", "edit"},
                                                                   {"add", "--json", "J"},
                                                                   {"add", "--nonsense", "--json"},
                                                                   {"--json", "wait", "--for"}}) {
        INFO(Catch::Detail::stringify(words));
        auto result = schedctl(daemon, words);
        CHECK(result.exit_code == 2);
        CHECK(result.err.find("{\"code\":") == 0);
        CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    }
    // Behind -- it is the job's.
    CHECK(schedctl(daemon, {"add", "--", "--json"}).err.find("schedctl: ") == 0);
}

TEST_CASE("a command that is not there yet is not taken for another", "[schedctl]") {
    ScriptedDaemon daemon(answers({}));
    CHECK(has(schedctl(daemon, {"policy", "42"}).err, "policy is not in this version"));
    CHECK(has(schedctl(daemon, {"statsu"}).err, "did you mean status?"));
}

TEST_CASE("help is --help", "[schedctl]") {
    ScriptedDaemon daemon(answers({}));
    auto general = schedctl(daemon, {"help"});
    CHECK(general.exit_code == 0);
    CHECK(general.out == schedctl(daemon, {"--help"}).out);
    auto add = schedctl(daemon, {"help", "add"});
    CHECK(add.exit_code == 0);
    CHECK(add.out == schedctl(daemon, {"add", "--help"}).out);
    CHECK(has(add.out, "\nSubmit a job: one run of an image at one moment.\n"));
}

TEST_CASE("a daemon that hangs is told of and given up", "[schedctl]") {
    ScriptedDaemon daemon(
        [](DaemonSession& session, const DaemonCall&) { session.wait_for_close(); });
    auto result = schedctl(daemon, {"status"});
    CHECK(result.exit_code == 3);
    CHECK(has(result.err, "schedctl: the daemon has not answered for 3 s; waiting 10 s at most\n"));
    CHECK(has(result.err, daemon.path() + " has not answered for 10 s"));
    CHECK(has(result.err, "systemctl restart schedulerd"));
}

TEST_CASE("a daemon that takes no more connections is given up too", "[schedctl]") {
    // Nobody accepts, and the queue is full: what a stopped daemon looks like after a while.
    test::TempDir dir;
    std::string path = (dir.path() / "full.sock").string();
    auto hang = fmt::format(
        "import socket, time\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('{0}'); s.listen(0)\n"
        "c = socket.socket(socket.AF_UNIX); c.connect('{0}')\n"
        "print('full', flush=True); time.sleep(600)\n",
        path);
    auto result =
        run_program({"bash",
                     "-c",
                     fmt::format("coproc python3 -c \"{}\"; read -ru ${{COPROC[0]}}; {} "
                                 "--socket {} status; code=$?; kill $COPROC_PID; exit $code",
                                 hang,
                                 SCHEDCTL_PATH,
                                 path)});
    CHECK(result.exit_code == 3);
    CHECK(has(result.err, "has taken no connection for 10 s"));
}

TEST_CASE("the right line is shown for words without --", "[schedctl]") {
    ScriptedDaemon daemon(answers({}));
    auto result = schedctl(daemon, {"add", "alpine", "--in", "2m", "sh", "-c", "echo $HOME"});
    CHECK(has(result.err, "\n  schedctl add alpine --in 2m -- sh -c 'echo $HOME'\n"));
}

TEST_CASE("without a daemon each path is named with the reason", "[schedctl]") {
    test::TempDir dir;
    dir.write("schedulerd.sock", "no socket");
    ProgramOptions options;
    options.environment["SCHEDULERD_SOCKET"] = (dir.path() / "none.sock").string();
    auto missing = run_program({SCHEDCTL_PATH, "ls"}, options);
    CHECK(missing.exit_code == 3);
    CHECK(has(missing.err, "none.sock: no such file\n"));
    CHECK(has(missing.err, "systemctl start schedulerd"));

    auto other = run_program(
        {SCHEDCTL_PATH, "--socket", (dir.path() / "schedulerd.sock").string(), "status"});
    CHECK(other.exit_code == 3);
    CHECK(has(other.err, "it is not a socket"));

    auto json = run_program({SCHEDCTL_PATH, "ls", "--json"}, options);
    CHECK(json.exit_code == 3);
    CHECK(std::count(json.err.begin(), json.err.end(), '\n') == 1);
    CHECK(has(json.err, R"("data":{"code":"unavailable"})"));
}

TEST_CASE("status exits 1 while the daemon is not ready", "[schedctl]") {
    StatusResponse status;
    status.version = "0.1.0";
    status.reason = "no engine";
    ScriptedDaemon not_ready(answers({{"status", encode(status)}}));
    auto result = schedctl(not_ready, {"status"});
    CHECK(result.exit_code == 1);
    CHECK(has(result.out, "not ready: no engine\n"));
    status.ready = true;
    status.reason.reset();
    ScriptedDaemon ready(answers({{"status", encode(status)}}));
    CHECK(schedctl(ready, {"status"}).exit_code == 0);
}

TEST_CASE("a reader that goes away ends it quietly", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        session.result(call, list_of(std::vector<Job>(1000, make_job()), true));
    });
    auto result =
        run_program({"bash",
                     "-c",
                     fmt::format("{} --socket {} ls -a | head -n 1; echo ${{PIPESTATUS[0]}}",
                                 SCHEDCTL_PATH,
                                 daemon.path())});
    CHECK(has(result.out, "\n141\n"));
    CHECK(result.err.empty());
}

TEST_CASE("output that can't be written is a failure", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"show", encode(make_job())}}));
    auto result = run_program(
        {"bash",
         "-c",
         fmt::format("{} --socket {} show 42 >/dev/full", SCHEDCTL_PATH, daemon.path())});
    CHECK(result.exit_code == 1);
    CHECK(has(result.err, "No space left on device"));
}

TEST_CASE("an answer that is no JSON-RPC is an error, not a crash", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"status", "[1,2]"}, {"show", R"({"id":"x"})"}}));
    for (const auto* command : {"status", "resume"}) {
        auto result = schedctl(daemon, {command});
        CHECK(result.exit_code != 0);
        CHECK_FALSE(result.err.empty());
    }
    CHECK(has(schedctl(daemon, {"show", "42"}).err, "another version"));
}

}  // namespace scheduler
