/// Answers without a known end: logs and events.

#include <csignal>
#include <set>

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

std::string add_job(const DaemonProcess& daemon) {
    auto answer = http(daemon.port(), "POST", "/job?job_name=busybox&time=1h");
    REQUIRE(answer.status == 200);
    return answer.json().at("id");
}

struct SentEvent {
    std::string id;
    std::string name;
    Json data;
};

/// The next event; comments are skipped.
SentEvent read_event(HttpClient& client) {
    SentEvent event;
    for (;;) {
        std::string chunk = client.read_chunk();
        REQUIRE_FALSE(chunk.empty());
        if (chunk.front() == ':') continue;
        std::istringstream lines(chunk);
        for (std::string line; std::getline(lines, line) && !line.empty();) {
            auto colon = line.find(": ");
            std::string field = line.substr(0, colon);
            std::string value = line.substr(colon + 2);
            if (field == "id") event.id = value;
            if (field == "event") event.name = value;
            if (field == "data") event.data = Json::parse(value);
        }
        return event;
    }
}

}  // namespace

TEST_CASE("the output of a job that has not begun is empty text", "[contract][http]") {
    std::string id = add_job(shared_daemon());
    auto answer = http(shared_daemon().port(), "GET", "/job/" + id + "/logs");
    CHECK(answer.status == 200);
    CHECK(answer.header("content-type").find("text/plain") == 0);
    CHECK(answer.body.empty());
    for (std::string query :
         {"tail=x", "tail=-1", "stream=stdin", "follow=maybe", "attempt=7", "since=never"}) {
        INFO(query);
        CHECK(http(shared_daemon().port(), "GET", "/job/" + id + "/logs?" + query).status == 400);
    }
    auto unknown =
        http(shared_daemon().port(), "GET", "/job/0123456789abcdef0123456789abcdef/logs");
    CHECK(unknown.status == 404);
}

TEST_CASE("following a job ends with the job, and the connection goes on", "[contract][http]") {
    std::string id = add_job(shared_daemon());
    HttpClient follower(shared_daemon().port());
    follower.send("GET", "/job/" + id + "/logs?follow");
    CHECK(follower.read_head().status == 200);
    CHECK(follower.socket().is_silent());
    REQUIRE(http(shared_daemon().port(), "DELETE", "/job/" + id).status == 200);
    CHECK(follower.read_chunk().empty());
    CHECK(follower.get("/healthz").status == 200);
}

TEST_CASE("a request sent behind a stream is answered after it", "[contract][http]") {
    std::string id = add_job(shared_daemon());
    HttpClient follower(shared_daemon().port());
    follower.send("GET", "/job/" + id + "/logs?follow=true");
    CHECK(follower.read_head().status == 200);
    CHECK(follower.socket().is_silent());
    follower.send("GET", "/healthz");
    CHECK(follower.socket().is_silent());
    REQUIRE(http(shared_daemon().port(), "DELETE", "/job/" + id).status == 200);
    CHECK(follower.read_chunk().empty());
    CHECK(follower.read_answer().json() == Json({{"message", "ok"}}));
}

TEST_CASE("events tell each transition, and can be resumed", "[contract][http]") {
    HttpClient listener(shared_daemon().port());
    listener.send("GET", "/events");
    auto head = listener.read_head();
    REQUIRE(head.status == 200);
    CHECK(head.header("content-type") == "text/event-stream");
    CHECK(listener.read_chunk().front() == ':');

    std::string id = add_job(shared_daemon());
    auto added = read_event(listener);
    CHECK(added.name == "job");
    CHECK(added.data.at("job_id") == id);
    CHECK(added.data.at("to") == "scheduled");
    CHECK(std::to_string(added.data.at("seq").get<std::int64_t>()) == added.id);
    REQUIRE(http(shared_daemon().port(), "DELETE", "/job/" + id).status == 200);
    auto removed = read_event(listener);
    CHECK(removed.data.at("from") == "scheduled");
    CHECK(removed.data.at("to") == "canceled");
    CHECK(removed.data.at("finish_status") == "did_not_run");

    HttpClient again(shared_daemon().port());
    again.send("GET", "/events", {{"Last-Event-ID", added.id}});
    CHECK(again.read_head().status == 200);
    CHECK(read_event(again).id == removed.id);
    CHECK(http(shared_daemon().port(), "GET", "/events", {{"Last-Event-ID", "x"}}).status == 400);

    HttpClient from_the_future(shared_daemon().port());
    from_the_future.send("GET", "/events", {{"Last-Event-ID", "999999999"}});
    CHECK(from_the_future.read_head().status == 200);
    auto reset = read_event(from_the_future);
    CHECK(reset.name == "reset");
    CHECK(reset.data == Json({{"seq", reset.data.at("seq")}, {"reset", true}}));
}

TEST_CASE("events can be of one job only", "[contract][http]") {
    std::string other = add_job(shared_daemon());
    std::string id = add_job(shared_daemon());
    HttpClient listener(shared_daemon().port());
    listener.send("GET", "/events?job_id=" + id);
    CHECK(listener.read_head().status == 200);
    CHECK(listener.read_chunk().front() == ':');
    REQUIRE(http(shared_daemon().port(), "DELETE", "/job/" + other).status == 200);
    REQUIRE(http(shared_daemon().port(), "DELETE", "/job/" + id).status == 200);
    CHECK(read_event(listener).data.at("job_id") == id);
    CHECK(http(shared_daemon().port(), "GET", "/events?job_id=x").status == 404);
}

TEST_CASE("clients that go away in a stream leave nothing behind", "[contract][http]") {
    DaemonProcess daemon;
    std::string id = add_job(daemon);
    // More than may be open at once: each one's place must come back.
    for (int i = 0; i < 2400; ++i) {
        HttpClient follower(daemon.port());
        follower.send("GET", i % 2 == 0 ? "/job/" + id + "/logs?follow" : "/events");
        if (i % 100 == 0) {
            CHECK(eventually([&] { return http(daemon.port(), "GET", "/healthz").status == 200; }));
        }
    }
    CHECK(eventually([&] { return http(daemon.port(), "GET", "/healthz").status == 200; }));
}

TEST_CASE("a list that is too long for one picture is streamed, each job once",
          "[contract][http]") {
    constexpr std::size_t jobs_in_one_picture = 5000;
    constexpr std::size_t batch = 1000;
    DaemonProcess daemon;
    RpcClient socket(daemon.socket_path());
    std::set<std::string> added;
    while (added.size() <= jobs_in_one_picture) {
        Json jobs = Json::array();
        for (std::size_t i = 0; i < batch; ++i)
            jobs.push_back({{"job_name", "a"}, {"time", std::to_string(1 + i % 100) + "h"}});
        auto answer = socket.call("add", {{"jobs", jobs}});
        for (const Json& job : answer.at("result").at("jobs"))
            added.insert(job.at("id").get<std::string>());
    }
    std::string gone = *added.begin();
    REQUIRE(http(daemon.port(), "DELETE", "/job/" + gone).status == 200);
    auto answer = http(daemon.port(), "GET", "/jobs");
    REQUIRE(answer.status == 200);
    CHECK(answer.header("transfer-encoding") == "chunked");
    auto list = nlohmann::ordered_json::parse(answer.body);
    CHECK(list.at("running").empty());
    CHECK(list.at("history").size() == 1);
    CHECK(list.at("history").contains(gone));
    CHECK(list.at("scheduled").size() == added.size() - 1);
    std::string last_due;
    for (const auto& [id, job] : list.at("scheduled").items()) {
        CHECK(added.count(id) == 1);
        auto due = job.at("due_at").get<std::string>();
        CHECK(last_due <= due);
        last_due = due;
    }
    // A filter leaves few, which fit into one picture.
    CHECK(http(daemon.port(), "GET", "/jobs?status=canceled").headers.count("content-length") == 1);
}

TEST_CASE("SIGTERM ends streams and waits, and the daemon exits 0", "[contract][http]") {
    DaemonProcess daemon;
    std::string id = add_job(daemon);
    HttpClient follower(daemon.port());
    follower.send("GET", "/job/" + id + "/logs?follow");
    CHECK(follower.read_head().status == 200);
    HttpClient waiting(daemon.port());
    waiting.send("GET", "/job/" + id + "?wait=10m");
    HttpClient idle(daemon.port());
    CHECK(waiting.socket().is_silent());
    daemon.send_signal(SIGTERM);
    // Without its last chunk: the output is not whole.
    CHECK(follower.socket().is_at_end());
    CHECK(waiting.read_answer().status == 503);
    CHECK(idle.socket().is_at_end());
    CHECK(daemon.stop(SIGTERM) == 0);
}

}  // namespace scheduler::test
