/// schedctl against a daemon that answers by script: output, events and waits, over connections
/// that break.

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/scripted_schedctl.hpp"

namespace scheduler {

using namespace std::chrono_literals;
using namespace testing;

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

}  // namespace scheduler
