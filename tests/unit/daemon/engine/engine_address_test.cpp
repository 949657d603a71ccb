#include "daemon/engine/docker/engine_address.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("addresses of engines are read and written back", "[engine]") {
    for (const char* text : {"unix:///var/run/docker.sock",
                             "unix:///a b/ü.sock",
                             "tcp://localhost:2375",
                             "tcp://127.0.0.1:1",
                             "tcp://[::1]:65535"}) {
        auto address = EngineAddress::parse(text);
        REQUIRE(address);
        CHECK(address->to_string() == text);
    }
    CHECK(EngineAddress::parse("tcp://host:2375/")->to_string() == "tcp://host:2375");
    CHECK(EngineAddress::parse("tcp://[::1]:2375")->host() == "::1");
    CHECK(EngineAddress::parse("unix:///x")->host() == "/x");
}

TEST_CASE("addresses that are none are refused with the value and the right form", "[engine]") {
    for (const char* text : {"",
                             "/var/run/docker.sock",
                             "unix://relative",
                             "unix://",
                             "tcp://",
                             "tcp://host",
                             "tcp://:2375",
                             "tcp://host:0",
                             "tcp://host:65536",
                             "tcp://host:23x",
                             "tcp://host:",
                             "tcp://::1:2375",
                             "tcp://ho st:2375",
                             "tcp://host/path:2375",
                             "ssh://host",
                             "npipe:////./pipe/docker"}) {
        auto address = EngineAddress::parse(text);
        INFO(text);
        REQUIRE_FALSE(address);
        CHECK(address.error().code == ErrorCode::bad_field);
        CHECK_THAT(address.error().message, Catch::Contains('"' + std::string(text) + '"'));
        CHECK_THAT(address.error().message, Catch::Contains("unix:///path or tcp://host:port"));
    }
}

TEST_CASE("a socket's path may have 107 bytes", "[engine]") {
    CHECK(EngineAddress::parse("unix:///" + std::string(106, 'x')));
    CHECK_FALSE(EngineAddress::parse("unix:///" + std::string(107, 'x')));
}

TEST_CASE("the engine that was named is the only candidate", "[engine]") {
    auto chosen = find_engine("tcp://h:1", {"unix:///docker_host", "/run/user/1"});
    REQUIRE(chosen);
    REQUIRE(chosen->size() == 1);
    CHECK(chosen->front().to_string() == "tcp://h:1");

    auto variable = find_engine("", {"unix:///docker_host", "/run/user/1"});
    REQUIRE(variable);
    REQUIRE(variable->size() == 1);
    CHECK(variable->front().to_string() == "unix:///docker_host");
}

TEST_CASE("without a named engine the usual sockets are candidates in their order", "[engine]") {
    auto found = find_engine("", {"", "/run/user/1000"});
    REQUIRE(found);
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].to_string() == "unix:///var/run/docker.sock");
    CHECK((*found)[1].to_string() == "unix:///run/podman/podman.sock");
    CHECK((*found)[2].to_string() == "unix:///run/user/1000/podman/podman.sock");
    CHECK(find_engine("", {})->size() == 2);
}

TEST_CASE("a bad address says where it was written", "[engine]") {
    CHECK_THAT(find_engine("ssh://x", {}).error().message, Catch::StartsWith("--engine: "));
    CHECK_THAT(find_engine("", {"ssh://x", ""}).error().message,
               Catch::StartsWith("$DOCKER_HOST: "));
}
