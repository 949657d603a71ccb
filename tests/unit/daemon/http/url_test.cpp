#include "daemon/http/url.hpp"

#include <catch2/catch.hpp>

namespace scheduler {

TEST_CASE("percent sequences are undone, and bad ones refused", "[http]") {
    CHECK(*percent_decode("a%20b%2Fc+d", PlusSign::kept) == "a b/c+d");
    CHECK(*percent_decode("a+b%2b", PlusSign::is_blank) == "a b+");
    CHECK(*percent_decode("%C3%A9", PlusSign::kept) == "é");
    for (std::string text : {"%", "%4", "%zz", "a%4", "%00", "%ff", "%C3", "%ED%A0%80"}) {
        INFO(text);
        auto decoded = percent_decode(text, PlusSign::kept);
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().code == ErrorCode::bad_request);
    }
}

TEST_CASE("what is encoded is decoded to itself", "[http]") {
    const std::string text = "a b&c=d%e+f/é\n~";
    CHECK(percent_encode(text) == "a%20b%26c%3Dd%25e%2Bf%2F%C3%A9%0A~");
    CHECK(*percent_decode(percent_encode(text), PlusSign::is_blank) == text);
}

TEST_CASE("a form keeps repeated names and their order", "[http]") {
    auto fields = parse_urlencoded("command=echo&command=a&command=a&&x&y=&z=1=2");
    REQUIRE(fields);
    CHECK(*fields == FormFields{{"command", "echo"},
                                {"command", "a"},
                                {"command", "a"},
                                {"x", ""},
                                {"y", ""},
                                {"z", "1=2"}});
    CHECK(encode_query({{"a b", "c&d"}, {"e", ""}}) == "a%20b=c%26d&e=");
}

TEST_CASE("a target is split before it is decoded", "[http]") {
    auto target = parse_target("/job/a%2Fb/logs?follow&tail=3");
    REQUIRE(target);
    CHECK(target->segments == std::vector<std::string>{"job", "a/b", "logs"});
    CHECK(target->query == FormFields{{"follow", ""}, {"tail", "3"}});
    CHECK(parse_target("/")->segments.empty());
    CHECK(parse_target("/job/")->segments == std::vector<std::string>{"job", ""});
}

TEST_CASE("an absolute target names its authority", "[http]") {
    auto target = parse_target("http://localhost:8888/jobs?limit=1");
    REQUIRE(target);
    CHECK(target->authority == "localhost:8888");
    CHECK(target->path == "/jobs");
    CHECK(parse_target("http://localhost")->path == "/");
    for (std::string text : {"jobs", "ftp://localhost/", "", "/%zz", "/?a=%"}) {
        INFO(text);
        CHECK_FALSE(parse_target(text));
    }
}

}  // namespace scheduler
