/// HTTP as a protocol: what is malformed, too large, too slow or too much, and what follows on a
/// connection. Every refusal is JSON, and the daemon lives on.

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

HttpAnswer bytes(std::string_view text) {
    return http_bytes(shared_daemon().port(), text);
}

void check_refused(const HttpAnswer& answer, int status, const std::string& code) {
    INFO(answer.body);
    CHECK(answer.status == status);
    CHECK(answer.error_code() == code);
    CHECK(answer.header("content-type") == "application/json");
    CHECK(answer.json().size() == 1);
}

const std::string host = "Host: localhost\r\n";
const std::string add = "POST /job?job_name=busybox&time=1h HTTP/1.1\r\n" + host;

constexpr std::size_t connections_max = 2048;

/// Each client of a test is a descriptor: the soft limit, often 1024, goes up to the hard one.
void raise_descriptor_limit() {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

}  // namespace

TEST_CASE("malformed heads are 400", "[contract][http]") {
    for (const std::string& text :
         std::vector<std::string>{"GET /jobs HTTP/1.1\n" + host + "\n",
                                  "GET /jobs HTTP/1.1\r\nHost: localhost\n\r\n",
                                  "GET /jobs\r\n\r\n",
                                  "GET /jobs HTTP/3.0\r\n" + host + "\r\n",
                                  "/jobs GET HTTP/1.1\r\n" + host + "\r\n",
                                  "GET jobs HTTP/1.1\r\n" + host + "\r\n",
                                  "GET /jobs HTTP/1.1\r\n\r\n",
                                  "GET /jobs HTTP/1.1\r\n" + host + host + "\r\n",
                                  "GET /jobs HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n",
                                  "GET /jobs HTTP/1.1\r\n" + host + "no colon\r\n\r\n",
                                  "GET /jobs HTTP/1.1\r\n" + host + " folded: x\r\n\r\n",
                                  "GET /%zz HTTP/1.1\r\n" + host + "\r\n",
                                  "GET /jobs HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n",
                                  std::string("\x16\x03\x01\x02\x00\x01\x00", 7)}) {
        INFO(text);
        check_refused(bytes(text), 400, "bad_request");
    }
    CHECK(bytes("\r\n\r\nGET /healthz HTTP/1.1\r\n" + host + "\r\n").status == 200);
    CHECK(bytes("GET http://localhost/healthz HTTP/1.1\r\n" + host + "\r\n").status == 200);
}

TEST_CASE("a body's bounds must be clear", "[contract][http]") {
    check_refused(
        bytes(add + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400, "bad_request");
    check_refused(bytes(add + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                  400,
                  "bad_request");
    check_refused(bytes(add + "Content-Length: abc\r\n\r\n"), 400, "bad_request");
    check_refused(bytes(add + "Content-Length: -1\r\n\r\n"), 400, "bad_request");
    check_refused(
        bytes(add + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 411, "length_required");
    check_refused(bytes(add + "Content-Length: 1048577\r\n\r\n"), 413, "too_large");
    check_refused(bytes(add + "Content-Length: 99999999999999999999\r\n\r\n"), 413, "too_large");
}

TEST_CASE("a body that is too large is refused in words that arrive", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    std::string body(3 * 1024 * 1024, 'x');
    client.send("POST", "/job", {{"Content-Type", "application/json"}}, body);
    check_refused(client.read_answer(), 413, "too_large");
}

TEST_CASE("a body of 1 MiB is taken", "[contract][http]") {
    std::string body = R"({"job_name":"busybox","time":"1h"})";
    body += std::string(1024 * 1024 - body.size(), ' ');
    auto answer =
        http(shared_daemon().port(), "POST", "/job", {{"Content-Type", "application/json"}}, body);
    CHECK(answer.status == 200);
}

TEST_CASE("targets and heads have their limits", "[contract][http]") {
    check_refused(bytes("GET /" + std::string(4096, 'a') + " HTTP/1.1\r\n" + host + "\r\n"),
                  414,
                  "uri_too_long");
    check_refused(bytes("GET /" + std::string(4095, 'a') + " HTTP/1.1\r\n" + host + "\r\n"),
                  404,
                  "not_found");
    check_refused(bytes("GET /" + std::string(20000, 'a')), 414, "uri_too_long");
    check_refused(
        bytes("GET /healthz HTTP/1.1\r\n" + host + "X: " + std::string(8192, 'a') + "\r\n\r\n"),
        431,
        "head_too_large");
    CHECK(bytes("GET /healthz HTTP/1.1\r\n" + host + "X: " + std::string(8000, 'a') + "\r\n\r\n")
              .status == 200);
    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += "X: y\r\n";
    check_refused(bytes("GET /healthz HTTP/1.1\r\n" + host + many + "\r\n"), 431, "head_too_large");
}

TEST_CASE("100-continue is answered before the body comes", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    std::string body = R"({"job_name":"busybox","time":"1h"})";
    std::string head = "POST /job HTTP/1.1\r\n" + host +
                       "Content-Type: application/json\r\nExpect: 100-continue\r\n";
    client.socket().send(head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    CHECK(client.read_answer().status == 100);
    client.socket().send(body);
    CHECK(client.read_answer().status == 200);
    // What would be refused anyway is refused without the body.
    client.socket().send(head + "Content-Length: 9999999\r\n\r\n");
    CHECK(client.read_answer().status == 413);
}

TEST_CASE("pipelined requests are answered in order", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    std::string text;
    for (int i = 0; i < 20; ++i) {
        text +=
            "POST /job HTTP/1.1\r\n" + host + "Content-Type: application/x-www-form-urlencoded\r\n";
        std::string body = "job_name=job-" + std::to_string(i) + "&time=1h";
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        text += "GET /healthz HTTP/1.1\r\n" + host + "\r\n";
    }
    client.socket().send(text);
    for (int i = 0; i < 20; ++i) {
        auto added = client.read_answer();
        REQUIRE(added.status == 200);
        CHECK(added.json().at("job").at("job_name") == "job-" + std::to_string(i));
        CHECK(client.read_answer().json() == Json({{"message", "ok"}}));
    }
}

TEST_CASE("a connection goes on after a refusal whose bounds are clear", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    CHECK(client.get("/nothing").status == 404);
    CHECK(client.ask("POST", "/job", {{"Content-Type", "text/plain"}}, "x").status == 415);
    CHECK(client.ask("PUT", "/jobs", {}, "body").status == 405);
    CHECK(client.get("/healthz", {{"Host", "evil.example"}}).status == 403);
    CHECK(client.get("/healthz").status == 200);
}

TEST_CASE("a connection ends when the client asks, with HTTP/1.0, and after a malformed request",
          "[contract][http]") {
    for (const std::string& text :
         {"GET /healthz HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
          std::string("GET /healthz HTTP/1.0\r\n\r\n"),
          std::string("GET /healthz HTTP/9.9\r\n\r\n")}) {
        HttpClient client(shared_daemon().port());
        client.socket().send(text);
        auto answer = client.read_answer();
        CHECK(answer.status != 0);
        CHECK(answer.header("connection") == "close");
        CHECK(client.socket().is_at_end());
    }
}

TEST_CASE("a client that ends its half still gets its answer", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    client.send("POST", "/job?job_name=busybox&time=1h");
    client.socket().end_sending();
    CHECK(client.read_answer().status == 200);
    CHECK(client.socket().is_at_end());
}

TEST_CASE("a request may come byte by byte", "[contract][http]") {
    HttpClient client(shared_daemon().port());
    std::string text = "POST /job HTTP/1.1\r\n" + host +
                       "Content-Type: application/json\r\nContent-Length: 34\r\n\r\n"
                       R"({"job_name":"busybox","time":"1h"})";
    for (char c : text)
        client.socket().send(std::string(1, c));
    CHECK(client.read_answer().status == 200);
}

TEST_CASE("clients that send nothing, or half a head, stop nobody", "[contract][http]") {
    std::vector<HttpClient> slow;
    for (int i = 0; i < 200; ++i) {
        slow.emplace_back(shared_daemon().port());
        if (i % 2 == 0) slow.back().socket().send("GET /jobs HT");
    }
    CHECK(http(shared_daemon().port(), "GET", "/healthz").status == 200);
}

TEST_CASE("connections above the limit are told so", "[contract][http]") {
    raise_descriptor_limit();
    constexpr int more_than_are_waited_for = 64 + 36;
    DaemonProcess daemon;
    std::string id =
        http(daemon.port(), "POST", "/job?job_name=a&time=1h").json().at("id").get<std::string>();
    std::vector<HttpClient> busy;
    while (busy.size() < connections_max - 1) {
        busy.emplace_back(daemon.port());
        busy.back().send("GET", "/job/" + id + "?wait=10m");
    }
    HttpClient last(daemon.port());
    CHECK(last.get("/healthz").status == 200);
    last.send("GET", "/job/" + id + "?wait=10m");
    CHECK(last.socket().is_silent());
    std::vector<HttpClient> refused;
    for (int i = 0; i < more_than_are_waited_for; ++i) {
        refused.emplace_back(daemon.port());
        auto answer = refused.back().read_answer();
        REQUIRE(answer.status == 503);
        CHECK(answer.error_code() == "busy");
        CHECK_FALSE(answer.header("retry-after").empty());
    }
    // A connection that is reset makes room at once.
    busy.back().socket().reset();
    CHECK(eventually([&] { return http(daemon.port(), "GET", "/healthz").status == 200; }));
    CHECK(busy.front().socket().is_silent());
}

TEST_CASE("idle connections give way to new ones, the longest idle first", "[contract][http]") {
    raise_descriptor_limit();
    DaemonProcess daemon;
    std::vector<HttpClient> idle;
    while (idle.size() < connections_max)
        idle.emplace_back(daemon.port());
    for (HttpClient& client : idle)
        REQUIRE(client.get("/healthz").status == 200);
    std::vector<HttpClient> more;
    for (int i = 0; i < 3; ++i) {
        more.emplace_back(daemon.port());
        CHECK(more.back().get("/healthz").status == 200);
    }
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(idle[i].socket().is_at_end());
    CHECK(idle[3].get("/healthz").status == 200);
    CHECK(idle.back().get("/healthz").status == 200);
}

}  // namespace scheduler::test
