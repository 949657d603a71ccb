#include "daemon/listen_address.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("addresses are printed as they are read", "[listen_address]") {
    for (const char* text :
         {"127.0.0.1:8888", "[::1]:8888", "localhost:0", "host-1.example:65535", "[fe80::1]:1"}) {
        CAPTURE(text);
        auto address = ListenAddress::parse(text);
        REQUIRE(address);
        CHECK(address->to_string() == text);
    }
}

TEST_CASE("an address says what is wrong with it", "[listen_address]") {
    auto [text, expected] =
        GENERATE(table<const char*, const char*>({{"", "has no port"},
                                                  {"localhost", "has no port"},
                                                  {"[::1]", "has no port"},
                                                  {"localhost:", "has a port that is not"},
                                                  {"localhost:http", "has a port that is not"},
                                                  {"localhost:80x", "has a port that is not"},
                                                  {"localhost:65536", "has a port that is not"},
                                                  {":80", "has no host"},
                                                  {"[]:80", "has no IPv6 address"},
                                                  {"[127.0.0.1]:80", "has no IPv6 address"},
                                                  {"[::1:80", "has no IPv6 address"},
                                                  {"::1:80", "without brackets"},
                                                  {"http://a:80", "without brackets"},
                                                  {"a/b:80", "neither an address nor a name"}}));
    CAPTURE(text);
    auto address = ListenAddress::parse(text);
    REQUIRE_FALSE(address);
    CHECK_THAT(address.error().message, Catch::Matchers::Contains(expected));
}

TEST_CASE("only this machine's addresses are loopback", "[listen_address]") {
    for (const char* text : {"127.0.0.1:1", "127.255.0.1:1", "[::1]:1", "localhost:1"})
        CHECK(ListenAddress::parse(text)->is_loopback());
    for (const char* text :
         {"0.0.0.0:1", "[::]:1", "128.0.0.1:1", "[::ffff:127.0.0.1]:1", "localhost.example:1"})
        CHECK_FALSE(ListenAddress::parse(text)->is_loopback());
}
