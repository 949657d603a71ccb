/// schedctl against a daemon that answers by script: jobs are added, listed and removed.

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/scripted_schedctl.hpp"

namespace scheduler {

using namespace std::chrono_literals;
using namespace testing;

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
             {"add",       "J",
              "--at",      "tomorrow 03:00",
              "-e",        "A=1",
              "-e",        "FROM_HERE",
              "--image",   "i:1",
              "--timeout", "10m",
              "-m",        "64m",
              "--cpus",    "0.5",
              "-v",        "/srv:/data:ro",
              "--tmpfs",   "/run",
              "--init",    "--key",
              "k",         "--",
              "sh",        "-c",
              "exit 3",    "--json"},
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
    CHECK(has(calls[0].line, R"("memory":"64MiB","cpus":0.5)"));
    CHECK(has(calls[0].line,
              R"("mounts":[{"type":"bind","source":"/srv","target":"/data","read_only":true}])"));
    CHECK(has(calls[0].line, R"("tmpfs":{"/run":""})"));
    CHECK(has(calls[0].line, R"("init":true)"));
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

TEST_CASE("a job whose submit a hanging daemon did not answer may be sent again", "[schedctl]") {
    ScriptedDaemon daemon(
        [](DaemonSession& session, const DaemonCall&) { session.wait_for_close(); });
    auto result = schedctl(daemon, {"add", "J", "--now"});
    CHECK(result.exit_code == 3);
    CHECK(has(result.err, "With --key " + field(daemon.calls()[0].line, "key") + " a repeat"));
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

}  // namespace scheduler
