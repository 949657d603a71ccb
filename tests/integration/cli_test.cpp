/// schedctl as a user runs it, against a daemon that answers by script: exit codes, streams, pipes,
/// terminals, and connections that break.

#include <algorithm>
#include <map>

#include <signal.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/json.hpp"
#include "common/operations.hpp"
#include "tests/support/program.hpp"
#include "tests/support/scripted_daemon.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using testing::DaemonCall;
using testing::DaemonSession;
using testing::Program;
using testing::ProgramOptions;
using testing::ProgramResult;
using testing::run_program;
using testing::ScriptedDaemon;

const std::string id_42 = "0197d2c0a5b37a1e8c00112233445566";

Job make_job() {
    Job job;
    job.id = JobId::parse(id_42).value();
    job.number = 42;
    job.job_name = "alpine:3.20";
    job.scheduled_in = "20-06-2027 17:00:00";
    job.scheduled_to = "20-06-2027 20:00:00";
    auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    job.created_at = Instant{now};
    job.due_at = Instant{now + 3h};
    return job;
}

Job make_ended(FinishStatus finish, std::optional<std::int64_t> exit_code = std::nullopt) {
    Job job = make_job();
    job.status = status_of(finish);
    job.finish_status = finish;
    job.exit_code = exit_code;
    job.finished_at = job.due_at;
    job.finish_date = job.scheduled_to;
    return job;
}

std::string added(const Job& job) {
    AddResponse response;
    response.message = fmt::format(
        "job {} with id {} will be scheduled to run in 3h", job.job_name, job.id.to_string());
    response.id = job.id;
    response.job = job;
    response.zone = "Europe/Lisbon";
    return encode(response);
}

const Error not_found{ErrorCode::job_not_found, "job with id 7 not found"};

ProgramResult schedctl(const ScriptedDaemon& daemon,
                       std::vector<std::string> words,
                       ProgramOptions options = {}) {
    words.insert(words.begin(), SCHEDCTL_PATH);
    options.environment["SCHEDULERD_SOCKET"] = daemon.path();
    return run_program(words, options);
}

/// Answers each method with the same text.
ScriptedDaemon::Script answers(std::map<std::string, std::string> by_method) {
    return [by_method](DaemonSession& session, const DaemonCall& call) {
        auto found = by_method.find(call.method);
        if (found == by_method.end())
            session.error(call, not_found);
        else
            session.result(call, found->second);
    };
}

std::string list_of(std::vector<Job> jobs, bool more = false) {
    ListResponse response;
    if (more) response.next = ListPlace{jobs.back().id, std::nullopt};
    response.jobs = std::move(jobs);
    return encode(response);
}

std::string chunk(LogStream stream, std::string_view bytes, std::string place = "1.0") {
    LogChunk item;
    item.place = place;
    item.stream = stream;
    item.data.bytes = bytes;
    return encode(item);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// The value of a string field in a request line.
std::string field(const std::string& line, const std::string& name) {
    auto at = line.find('"' + name + "\":\"");
    if (at == std::string::npos) return "";
    at += name.size() + 4;
    return line.substr(at, line.find('"', at) - at);
}

}  // namespace

TEST_CASE("add prints the daemon's sentence, and when it is due on standard error", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"add", added(make_job())}}));
    auto result = schedctl(daemon, {"add", "alpine:3.20", "--in", "3h"});
    CHECK(result.exit_code == 0);
    CHECK(result.out == "job alpine:3.20 with id " + id_42 + " will be scheduled to run in 3h\n");
    CHECK(result.err == "job 42, due 20-06-2027 20:00:00 Europe/Lisbon, in 3h\n");
    CHECK(field(daemon.calls()[0].line, "time") == "3h");
    CHECK(field(daemon.calls()[0].line, "key").size() == 32);
}

TEST_CASE("add prints the id alone, or JSON", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"add", added(make_job())}}));
    auto quiet = schedctl(daemon, {"add", "alpine:3.20", "--in", "3h", "-q"});
    CHECK(quiet.out == id_42 + "\n");
    CHECK(quiet.err.empty());
    auto json = schedctl(daemon, {"--json", "add", "alpine:3.20", "--in", "3h"});
    CHECK(json.out == added(make_job()).substr(0, 10) + json.out.substr(10));
    CHECK(decode<AddResponse>(json.out));
    CHECK(json.err.empty());
}

TEST_CASE("add sends what its options say", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"add", added(make_job())}}));
    ProgramOptions options;
    options.environment = {{"FROM_HERE", "x y"}};
    schedctl(daemon,
             {"add",
              "J",
              "--at",
              "tomorrow 03:00",
              "-e",
              "A=1",
              "-e",
              "FROM_HERE",
              "--image",
              "i:1",
              "--timeout",
              "10m",
              "--key",
              "k",
              "--",
              "sh",
              "-c",
              "exit 3",
              "--json"},
             options);
    schedctl(daemon, {"add", "J", "--now"});
    schedctl(daemon, {"add", "J", "--at", "20:00", "--past", "run"});
    auto calls = daemon.calls();
    REQUIRE(calls.size() == 3);
    CHECK(has(calls[0].line, R"("at":"tomorrow 03:00","past_date":"refuse","key":"k")"));
    CHECK(has(calls[0].line, R"("command":["sh","-c","exit 3","--json"])"));
    CHECK(has(calls[0].line, R"("env":{"A":"1","FROM_HERE":"x y"})"));
    CHECK(has(calls[0].line, R"("image":"i:1")"));
    CHECK(has(calls[0].line, R"("timeout":"10m")"));
    CHECK(field(calls[1].line, "time") == "0s");
    CHECK(field(calls[2].line, "past_date") == "run");
}

TEST_CASE("a connection that is lost during add doubles nothing", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.number == 0)
            session.hang_up();
        else
            session.result(call, added(make_job()));
    });
    auto result = schedctl(daemon, {"add", "alpine:3.20", "--in", "3h"});
    CHECK(result.exit_code == 0);
    auto calls = daemon.calls();
    REQUIRE(calls.size() == 2);
    CHECK(field(calls[0].line, "key") == field(calls[1].line, "key"));
    CHECK(has(result.err, "trying again for 30 s"));
}

TEST_CASE("a dry run says when, and submits nothing", "[schedctl]") {
    AddResponse response;
    response.message = "nothing";
    response.job = make_job();
    response.zone = "Europe/Lisbon";
    response.warning = "the image JOB_A is not here";
    ScriptedDaemon daemon(answers({{"add", encode(response)}}));
    auto result = schedctl(daemon, {"add", "JOB_A", "--in", "3h", "--dry-run"});
    CHECK(result.exit_code == 0);
    CHECK(result.out ==
          "JOB_A would be due 20-06-2027 20:00:00 Europe/Lisbon, in 3h; nothing was submitted\n");
    CHECK(result.err == "schedctl: warning: the image JOB_A is not here\n");
    CHECK(has(daemon.calls()[0].line, R"("dry_run":true)"));
    auto quiet = schedctl(daemon, {"add", "JOB_A", "--in", "3h", "--dry-run", "-q"});
    CHECK(quiet.out == response.job.due_at.to_string() + "\n");
}

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
    CHECK(has(schedctl(daemon, {"edit", "42"}).err, "edit is not in this version"));
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

TEST_CASE("a past moment is refused with the option that allows it", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        session.error(call,
                      {ErrorCode::bad_date,
                       "date \"x\" is in the past; give a later one, or allow it to run at once"});
    });
    auto result = schedctl(daemon, {"add", "J", "--at", "20-06-2020 10:00:00"});
    CHECK(result.exit_code == 1);
    CHECK(has(result.err, "allow it to run at once with --past run\n"));
}

TEST_CASE("an id may be in upper case", "[schedctl]") {
    ScriptedDaemon daemon(answers({{"show", encode(make_job())}}));
    CHECK(schedctl(daemon, {"show", "0197D2C0A5B3"}).exit_code == 0);
    CHECK(field(daemon.calls()[0].line, "job_id") == "0197d2c0a5b3");
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

TEST_CASE("a job whose submit a hanging daemon did not answer may be sent again", "[schedctl]") {
    ScriptedDaemon daemon(
        [](DaemonSession& session, const DaemonCall&) { session.wait_for_close(); });
    auto result = schedctl(daemon, {"add", "J", "--now"});
    CHECK(result.exit_code == 3);
    CHECK(has(result.err, "With --key " + field(daemon.calls()[0].line, "key") + " a repeat"));
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

TEST_CASE("events begins where things are when it is started", "[schedctl]") {
    // The daemon goes away before it has told of anything: what happens meanwhile is not missed.
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        StatusResponse status;
        status.last_event = 17;
        if (call.method == "status") return session.result(call, encode(status));
        if (call.number == 1) return session.hang_up();
        JobEvent event;
        event.seq = 18;
        event.to = JobStatus::scheduled;
        event.job_name = "J";
        session.item(call, encode(event));
        session.result(call, "{}");
    });
    auto result = schedctl(daemon, {"events"});
    CHECK(result.exit_code == 0);
    CHECK(has(result.out, "\tJ\tscheduled\n"));
    auto calls = daemon.calls();
    REQUIRE(calls.size() == 3);
    CHECK(has(calls[1].line, R"("after_seq":17)"));
    CHECK(has(calls[2].line, R"("after_seq":17)"));
}

TEST_CASE("at the deadline a wait tells of what has ended", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "wait") return session.wait_for_close();
        Job job = make_job();
        if (field(call.line, "job_id") == "43") {
            job = make_ended(FinishStatus::failed, 3);
            job.number = 43;
        }
        session.result(call, encode(job));
    });
    auto result = schedctl(daemon, {"wait", "--for", "1s", "last", "43", "42"});
    CHECK(result.exit_code == 125);
    CHECK(result.out == "job 43 failed with exit code 3\n");
    CHECK(result.err ==
          "schedctl: gave up after 1s; job 42 goes on\n"
          "schedctl: gave up after 1s; job 42 goes on\n");
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

TEST_CASE("an unknown job is exit 4, of several jobs exit 1", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (field(call.line, "job_id") == "7")
            session.error(call, not_found);
        else
            session.result(call, encode(make_job()));
    });
    auto one = schedctl(daemon, {"show", "7"});
    CHECK(one.exit_code == 4);
    CHECK(one.err == "schedctl: job with id 7 not found\n");
    auto several = schedctl(daemon, {"show", "7", "42"});
    CHECK(several.exit_code == 1);
    CHECK(has(several.out, "Job        42 (" + id_42 + ")\n"));
    auto json = schedctl(daemon, {"show", "7", "--json"});
    CHECK(json.err ==
          R"({"code":-32004,"message":"job with id 7 not found","data":{"code":"job_not_found"}})"
          "\n");
}

TEST_CASE("rm -f kills what is running", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "remove")
            session.error(call, {ErrorCode::job_running, "job is running"});
        else
            session.result(call, R"({"message":"job will be stopped"})");
    });
    auto without = schedctl(daemon, {"rm", "42"});
    CHECK(without.exit_code == 1);
    auto with = schedctl(daemon, {"rm", "-f", "42"});
    CHECK(with.exit_code == 0);
    CHECK(with.out == "job will be stopped\n");
    CHECK(has(daemon.calls().back().line, R"("now":true)"));
}

TEST_CASE("in a pipe ls is fields between tabs, and says what it left out", "[schedctl]") {
    StatusResponse status;
    status.jobs = {{"scheduled", 180}};
    ScriptedDaemon daemon([&](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "status") return session.result(call, encode(status));
        bool scheduled = has(call.line, R"(["scheduled"])");
        bool one = has(call.line, R"("limit":1,)") || has(call.line, R"("limit":1})");
        session.result(
            call,
            scheduled ? list_of(std::vector<Job>(one ? 1 : 50, make_job()), true) : list_of({}));
    });
    auto result = schedctl(daemon, {"ls"});
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("42\t" + id_42 + "\talpine:3.20\tscheduled\t-\t") == 0);
    CHECK(std::count(result.out.begin(), result.out.end(), '\t') == 8 * 50);
    CHECK(result.err == "schedctl: left out: 130 later scheduled ones; -a lists all\n");
    auto quiet = schedctl(daemon, {"ls", "-q", "--status", "scheduled", "-n", "1"});
    CHECK(quiet.out == id_42 + "\n");
}

TEST_CASE("ls -a follows the pages", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        session.result(call, list_of(std::vector<Job>(1000, make_job()), call.number < 2));
    });
    auto result = schedctl(daemon, {"ls", "-a", "--json"});
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 3000);
    CHECK(field(daemon.calls()[1].line, "after") == id_42);
    CHECK(result.err.empty());
}

TEST_CASE("on a terminal ls is a table as wide as it", "[schedctl]") {
    Job job = make_job();
    job.job_name = "evil\x1b[31m" + std::string(100, 'x');
    ScriptedDaemon daemon([&](DaemonSession& session, const DaemonCall& call) {
        session.result(call, has(call.line, "scheduled") ? list_of({job}) : list_of({}));
    });
    ProgramOptions options{.environment = {{"TERM", "xterm"}, {"NO_COLOR", ""}, {"COLUMNS", ""}},
                           .terminal_columns = 80};
    auto coloured = schedctl(daemon, {"ls"}, options);
    CHECK(has(coloured.out, "\033[1mNUMBER\033[0m"));
    CHECK_FALSE(has(coloured.out, "\033[31m"));
    options.environment["NO_COLOR"] = "1";
    auto plain = schedctl(daemon, {"ls"}, options);
    CHECK_FALSE(has(plain.out, "\033"));
    CHECK(has(plain.out, "evil\\x1b["));
    auto end = plain.out.find('\r', plain.out.find('\n'));
    auto begin = plain.out.find('\n') + 1;
    CHECK(end - begin == 80 + 2);  // the … is three bytes in one column
    options.environment["TERM"] = "dumb";
    CHECK(has(schedctl(daemon, {"ls"}, options).out, "42\t"));
}

TEST_CASE("output stays on its stream and comes whole", "[schedctl]") {
    std::string binary("a\0\xff\r\n", 5);
    ScriptedDaemon daemon([&](DaemonSession& session, const DaemonCall& call) {
        session.item(call, chunk(LogStream::out, binary));
        session.item(call, chunk(LogStream::err, "oops\n"));
        session.result(call, "{}");
    });
    auto result = schedctl(daemon, {"logs", "42"});
    CHECK(result.exit_code == 0);
    CHECK(result.out == binary);
    CHECK(result.err == "oops\n");
}

TEST_CASE("a follow goes on after a restart and repeats nothing", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "add") return session.result(call, added(make_job()));
        if (call.method == "wait")
            return session.result(call, encode(make_ended(FinishStatus::failed, 3)));
        if (call.number == 1) {
            session.item(call, chunk(LogStream::out, "one\n", "5.4"));
            session.item(call, chunk(LogStream::err, "oops\n", "7.5"));
            return session.hang_up();
        }
        session.item(call, chunk(LogStream::out, "two\n", "9.4"));
        session.result(call, "{}");
    });
    auto result = schedctl(daemon, {"add", "alpine:3.20", "--now", "--follow", "-q"});
    CHECK(result.exit_code == 3);
    CHECK(result.out == "one\ntwo\n");
    CHECK(has(result.err, "job 42 failed with exit code 3\n"));
    CHECK(result.err.find("oops") == result.err.rfind("oops"));
    // At a place: the daemon may have dropped some of what was printed.
    CHECK_FALSE(has(daemon.calls()[1].line, "after"));
    CHECK(has(daemon.calls()[2].line, R"("after":"7.5")"));
}

TEST_CASE("the last lines are followed over a restart as well", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.number == 1) session.item(call, chunk(LogStream::out, "one\n", "5.4"));
        if (call.number < 2) return session.hang_up();
        session.item(call, chunk(LogStream::out, "two\n", "9.4"));
        session.result(call, "{}");
    });
    auto result = schedctl(daemon, {"logs", "-f", "--tail", "5", "42"});
    CHECK(result.exit_code == 0);
    CHECK(result.out == "one\ntwo\n");
    auto calls = daemon.calls();
    REQUIRE(calls.size() == 3);
    CHECK(has(calls[1].line, R"("tail":5)"));
    CHECK_FALSE(has(calls[2].line, "tail"));
    CHECK(has(calls[2].line, R"("after":"5.4")"));
}

TEST_CASE("a follow in JSON ends with the job as it ended", "[schedctl]") {
    std::string ended = encode(make_ended(FinishStatus::failed, 3));
    ScriptedDaemon daemon([&](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "add") return session.result(call, added(make_job()));
        if (call.method == "wait") return session.result(call, ended);
        session.item(call, chunk(LogStream::out, "one\n", "5.4"));
        session.result(call, "{}");
    });
    auto result = schedctl(daemon, {"add", "J", "--now", "--follow", "--json"});
    CHECK(result.exit_code == 3);
    CHECK(decode<LogChunk>(result.out));
    auto newline = result.err.find('\n');
    REQUIRE(newline != std::string::npos);
    CHECK(decode<AddResponse>(result.err.substr(0, newline)));
    auto job = decode<Job>(result.err.substr(newline + 1));
    REQUIRE(job);
    CHECK(job->exit_code == 3);
}

TEST_CASE("waiting exits with the job's code", "[schedctl]") {
    struct Case {
        Job job;
        int exit_code;
    };
    for (const auto& [job, exit_code] : {Case{make_ended(FinishStatus::success, 0), 0},
                                         Case{make_ended(FinishStatus::failed, 3), 3},
                                         Case{make_ended(FinishStatus::failed), 125},
                                         Case{make_ended(FinishStatus::timed_out, 143), 124},
                                         Case{make_ended(FinishStatus::killed, 137), 137},
                                         Case{make_ended(FinishStatus::lost), 125},
                                         Case{make_ended(FinishStatus::did_not_run), 125}}) {
        ScriptedDaemon daemon(answers(
            {{"show", encode(make_job())}, {"wait", encode(job)}, {"add", added(make_job())}}));
        CHECK(schedctl(daemon, {"wait", "42"}).exit_code == exit_code);
        CHECK(schedctl(daemon, {"add", "J", "--now", "--wait"}).exit_code == exit_code);
    }
    ScriptedDaemon unknown(answers({}));
    CHECK(schedctl(unknown, {"wait", "7"}).exit_code == 125);
}

TEST_CASE("a wait asks again until the job has ended", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "show" || call.number < 3)
            return session.result(call, encode(make_job()));
        session.result(call, encode(make_ended(FinishStatus::success, 0)));
    });
    auto result = schedctl(daemon, {"wait", "last"});
    CHECK(result.exit_code == 0);
    CHECK(result.out == "job 42 succeeded\n");
    CHECK(daemon.calls().size() == 4);
    CHECK(field(daemon.calls()[1].line, "job_id") == id_42);  // `last` may mean another one by then
}

TEST_CASE("a wait outlives a daemon that says it is shutting down", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "show") return session.result(call, encode(make_job()));
        if (call.number > 2)
            return session.result(call, encode(make_ended(FinishStatus::success, 0)));
        session.error(call, {ErrorCode::unavailable, "the daemon is shutting down"});
        session.hang_up();
    });
    auto result = schedctl(daemon, {"wait", "42"});
    CHECK(result.exit_code == 0);
    CHECK(has(result.err, "the daemon is shutting down; trying again for 30 s"));
}

TEST_CASE("a wait gives up when it was told to", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "show") return session.result(call, encode(make_job()));
        session.wait_for_close();
    });
    auto result = schedctl(daemon, {"wait", "--for", "1s", "42"});
    CHECK(result.exit_code == 125);
    CHECK(result.err == "schedctl: gave up after 1s; job 42 goes on\n");
}

TEST_CASE("Ctrl-C ends the waiting and says that the job goes on", "[schedctl]") {
    ScriptedDaemon daemon([](DaemonSession& session, const DaemonCall& call) {
        if (call.method == "add") return session.result(call, added(make_job()));
        session.wait_for_close();
    });
    Program program({SCHEDCTL_PATH, "--socket", daemon.path(), "add", "J", "--now", "--wait"});
    daemon.wait_for_calls("wait", 1);
    program.send_signal(SIGINT);
    auto result = program.finish();
    CHECK(result.exit_code == 130);
    CHECK(has(result.err, "stopped waiting; job 42 goes on"));
    auto calls = daemon.calls();
    CHECK(std::none_of(
        calls.begin(), calls.end(), [](const auto& call) { return call.method == "kill"; }));
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
