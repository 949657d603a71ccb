/// Who may ask over HTTP: Host, Origin, tokens.

#include <csignal>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {

TEST_CASE("a Host that is not this machine's is 403 and names the option", "[contract][http]") {
    auto port = shared_daemon().port();
    for (std::string host : {"localhost", "localhost:1", "127.0.0.1:8888", "[::1]:8888"})
        CHECK(http(port, "GET", "/healthz", {{"Host", host}}).status == 200);
    for (std::string host : {"evil.example", "localhost.evil.example:8888", "192.0.2.1", ""}) {
        auto answer = http(port, "GET", "/jobs", {{"Host", host}});
        CHECK(answer.status == 403);
        CHECK(answer.error_code() == "forbidden");
        CHECK(answer.message().find("--allowed-host") != std::string::npos);
    }
}

TEST_CASE("a page of another origin is 403 and names the option", "[contract][http]") {
    auto port = shared_daemon().port();
    HttpHeaders same{{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}};
    CHECK(http(port, "GET", "/healthz", same).status == 200);
    for (std::string origin : {"http://evil.example", "http://localhost:2", "null"}) {
        auto answer = http(
            port, "POST", "/job?job_name=a&time=1h", {{"Host", "localhost:1"}, {"Origin", origin}});
        CHECK(answer.status == 403);
        CHECK(answer.message().find("--allowed-host") != std::string::npos);
    }
}

TEST_CASE("an allowed host may be named", "[contract][http]") {
    DaemonProcess daemon({"--allowed-host", "jobs.example"});
    CHECK(http(daemon.port(), "GET", "/healthz", {{"Host", "jobs.example:8888"}}).status == 200);
    CHECK(http(daemon.port(),
               "GET",
               "/healthz",
               {{"Host", "localhost"}, {"Origin", "https://jobs.example"}})
              .status == 200);
    CHECK(http(daemon.port(), "GET", "/healthz", {{"Host", "other.example"}}).status == 403);
}

TEST_CASE("with a token file each request carries a token, but for the probes",
          "[contract][http]") {
    TempDir dir;
    auto file = dir.write("tokens", "alice secret-of-alice-123456\n");
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    DaemonProcess daemon({"--token-file", file.string()});
    auto port = daemon.port();
    auto with = [&](const std::string& token) {
        return http(
            port, "POST", "/job?job_name=busybox&time=1h", {{"Authorization", "Bearer " + token}});
    };
    auto refused = http(port, "GET", "/jobs");
    CHECK(refused.status == 401);
    CHECK(refused.error_code() == "unauthorized");
    CHECK(refused.header("www-authenticate") == "Bearer");
    CHECK(with("secret-of-alice-123457").status == 401);
    CHECK(http(port, "GET", "/healthz").status == 200);
    CHECK(http(port, "GET", "/readyz").status == 503);
    auto added = with("secret-of-alice-123456");
    REQUIRE(added.status == 200);
    CHECK(added.json().at("job").at("submitted_by") == "token:alice");
    // The socket has its own rules.
    CHECK(OverSocket(daemon).call("status").is_ok);

    // SIGHUP reads the file again.
    dir.write("tokens", "bob secret-of-bob-987654321\n");
    daemon.send_signal(SIGHUP);
    CHECK(eventually([&] { return with("secret-of-bob-987654321").status == 200; }));
    CHECK(with("secret-of-alice-123456").status == 401);
}

TEST_CASE("SIGHUP names what only a restart changes", "[contract]") {
    TempDir dir;
    auto file = dir.write("schedulerd.conf", "max-running=5\n");
    DaemonProcess daemon({"--config", file.string()});
    auto reload = [&](const std::string& text) {
        dir.write("schedulerd.conf", text);
        auto before = daemon.log().size();
        daemon.send_signal(SIGHUP);
        std::string line;
        CHECK(eventually([&] {
            std::string log = daemon.log().substr(before);
            auto begin = log.find(" reloaded");
            if (begin == std::string::npos || log.find('\n', begin) == std::string::npos)
                return false;
            line = log.substr(begin, log.find('\n', begin) - begin);
            return true;
        }));
        return line;
    };
    CHECK(reload("max-running=6\n") == " reloaded");
    CHECK(reload("max-running=6\nlog-format=\"json\"\nsocket-group=\"root\"\n") ==
          " reloaded changed_but_needs_restart=socket-group,log-format");
}

}  // namespace scheduler::test
