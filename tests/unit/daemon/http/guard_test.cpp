#include "daemon/http/guard.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

Result<Caller> ask(const std::vector<Header>& headers,
                   const HttpOptions& options = {},
                   const std::string& target = "/jobs",
                   bool is_http_1_0 = false) {
    RequestHead head;
    head.headers = headers;
    head.is_http_1_0 = is_http_1_0;
    return admit(head, *parse_target(target), options, "192.0.2.7");
}

bool admits(const std::string& host, const HttpOptions& options = {}) {
    return ask({{"host", host}}, options).has_value();
}

bool admits_origin(const std::string& origin, const HttpOptions& options = {}) {
    return ask({{"host", "localhost:8888"}, {"origin", origin}}, options).has_value();
}

}  // namespace

TEST_CASE("Host may name this machine and what is allowed", "[http]") {
    for (std::string host : {"localhost",
                             "LOCALHOST:8888",
                             "127.0.0.1",
                             "127.1.2.3:80",
                             "[::1]:8888",
                             "[::1]",
                             "localhost.",
                             "localhost.:8888",
                             "192.0.2.7:8888"}) {
        INFO(host);
        CHECK(admits(host));
    }
    for (std::string host : {"",
                             "evil.example",
                             "localhost.evil.example",
                             "192.0.2.8",
                             "127.0.0.1.evil.example",
                             "[::2]",
                             "localhost:80:evil.com",
                             "localhost:evil.com",
                             "[::1]evil.com",
                             "[::1]:80:1",
                             "localhost..",
                             ".",
                             "[::1"}) {
        INFO(host);
        CHECK_FALSE(admits(host));
    }
    HttpOptions options;
    options.allowed_hosts = {"Jobs.example", "other.example:8888"};
    CHECK(admits("jobs.EXAMPLE:1", options));
    CHECK(admits("other.example:8888", options));
    CHECK_FALSE(admits("other.example:8889", options));
}

TEST_CASE("a refused Host names the option that allows it", "[http]") {
    auto caller = ask({{"host", "jobs.example:8888"}});
    REQUIRE_FALSE(caller);
    CHECK(caller.error().code == ErrorCode::forbidden);
    CHECK(caller.error().message ==
          "the Host \"jobs.example:8888\" is not allowed; start schedulerd with --allowed-host "
          "jobs.example to allow it");
}

TEST_CASE("the absolute form's authority is checked too", "[http]") {
    CHECK(ask({{"host", "localhost"}}, {}, "http://localhost/jobs"));
    CHECK_FALSE(ask({{"host", "localhost"}}, {}, "http://evil.example/jobs"));
    CHECK_FALSE(ask({{"host", "evil.example"}}, {}, "http://localhost/jobs"));
}

TEST_CASE("Origin must be the daemon's own or allowed", "[http]") {
    CHECK(admits_origin("http://localhost:8888"));
    for (std::string origin : {"http://localhost:3000",
                               "https://localhost:8888",
                               "http://evil.example",
                               "null",
                               "",
                               "file://localhost:8888"}) {
        INFO(origin);
        CHECK_FALSE(admits_origin(origin));
    }
    HttpOptions options;
    options.allowed_hosts = {"ui.example"};
    CHECK(admits_origin("https://ui.example", options));
    CHECK_FALSE(admits_origin("ftp://ui.example", options));
}

TEST_CASE("with tokens each request carries one, but for the probes", "[http]") {
    HttpOptions options;
    options.tokens = {{"secret-of-alice-1", "alice"}, {"secret-of-bob-22", "bob"}};
    auto with = [&](const std::string& value) {
        return ask({{"host", "localhost"}, {"authorization", value}}, options);
    };
    CHECK(with("Bearer secret-of-alice-1")->name == "token:alice");
    CHECK(with("bearer secret-of-bob-22")->name == "token:bob");
    for (std::string value : {"",
                              "Bearer",
                              "Bearer ",
                              "Bearer secret-of-alice-2",
                              "Basic secret-of-alice-1",
                              "secret-of-alice-1"}) {
        INFO(value);
        auto caller = with(value);
        REQUIRE_FALSE(caller);
        CHECK(caller.error().code == ErrorCode::unauthorized);
    }
    CHECK_FALSE(ask({{"host", "localhost"}}, options));
    CHECK(ask({{"host", "localhost"}}, options, "/healthz"));
    CHECK(ask({{"host", "localhost"}}, options, "/readyz?x=1"));
    CHECK(ask({{"host", "localhost"}})->name == "http");
}

TEST_CASE("HTTP/1.0 may come without a Host", "[http]") {
    CHECK(ask({}, {}, "/", true));
}

TEST_CASE("secrets are compared whole", "[http]") {
    CHECK(equals_in_constant_time("abc", "abc"));
    CHECK_FALSE(equals_in_constant_time("abc", "abd"));
    CHECK_FALSE(equals_in_constant_time("abc", "abcd"));
    CHECK(equals_in_constant_time("", ""));
}

}  // namespace scheduler
