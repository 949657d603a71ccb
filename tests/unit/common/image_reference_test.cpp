#include "common/image_reference.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace scheduler;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

}  // namespace

TEST_CASE("valid references are taken, and get :latest when they say neither tag nor digest",
          "[image_reference]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>(
        {{"alpine", "alpine:latest"},
         {"alpine:3.20", "alpine:3.20"},
         {"a", "a:latest"},
         {"1234", "1234:latest"},
         {"library/alpine", "library/alpine:latest"},
         {"a/b/c/d", "a/b/c/d:latest"},
         {"a.b_c__d-e---f", "a.b_c__d-e---f:latest"},
         {"docker.io/library/alpine:3", "docker.io/library/alpine:3"},
         {"localhost/img", "localhost/img:latest"},
         {"localhost:5000/img", "localhost:5000/img:latest"},
         {"registry.example.com:5000/team/img:v1", "registry.example.com:5000/team/img:v1"},
         {"Registry.Example/img", "Registry.Example/img:latest"},
         {"127.0.0.1:5000/img", "127.0.0.1:5000/img:latest"},
         {"img:V1.0-rc_1", "img:V1.0-rc_1"},
         {"img:_x", "img:_x"},
         {"host:5000", "host:5000"},
         {"img@" + digest, "img@" + digest},
         {"img:tag@" + digest, "img:tag@" + digest},
         {"img:" + std::string(128, 't'), "img:" + std::string(128, 't')},
         {std::string(255, 'n'), std::string(255, 'n') + ":latest"},
         // 63 hex digits are a name, 64 would be an id.
         {std::string(63, 'a'), std::string(63, 'a') + ":latest"}}));
    CAPTURE(text);
    auto reference = parse_image_reference(text);
    REQUIRE(reference);
    CHECK(*reference == expected);
}

TEST_CASE("what docker refuses is refused in docker's words", "[image_reference]") {
    auto text = GENERATE(as<std::string>(),
                         "",
                         " ",
                         "alpine ",
                         " alpine",
                         "al pine",
                         "alpine:",
                         ":3",
                         "alpine:3:4",
                         "alpine:.x",
                         "alpine:-x",
                         "alpine:a b",
                         "alpine@",
                         "alpine@sha256:",
                         "alpine@sha256:" + std::string(63, 'a'),
                         "alpine@sha256:" + std::string(64, 'A'),
                         "alpine@md5:" + std::string(32, 'a'),
                         "alpine@" + digest + "@" + digest,
                         "/alpine",
                         "alpine/",
                         "a//b",
                         "-alpine",
                         "alpine-",
                         ".alpine",
                         "a..b",
                         "a___b",
                         "a.-b",
                         "a_.b",
                         "al\tpine",
                         "alpine\n",
                         "\xc3\xa4",
                         "a;b",
                         "$(id)",
                         "https://docker.io/alpine",
                         "host:port/img",
                         "-host.example/img",
                         "host..example/img",
                         std::string(64, 'a'),
                         std::string(256, 'n'),
                         "img:" + std::string(129, 't'));
    CAPTURE(text);
    auto reference = parse_image_reference(text);
    REQUIRE_FALSE(reference);
    CHECK(reference.error().code == ErrorCode::bad_field);
    CHECK_THAT(reference.error().message, Catch::Matchers::StartsWith("invalid reference format"));
}

TEST_CASE("upper case in a name is said to be the reason", "[image_reference]") {
    for (const char* text : {"JOB_A", "Alpine", "library/Alpine:3", "registry.example/Team/img"}) {
        CAPTURE(text);
        auto reference = parse_image_reference(text);
        REQUIRE_FALSE(reference);
        CHECK(reference.error().message ==
              "invalid reference format: repository name must be lowercase");
    }
}

TEST_CASE("the full name is what a pull would ask for", "[image_reference]") {
    CHECK(full_image_name("alpine") == "docker.io/library/alpine:latest");
    CHECK(full_image_name("alpine:3.20") == "docker.io/library/alpine:3.20");
    CHECK(full_image_name("team/img") == "docker.io/team/img:latest");
    CHECK(full_image_name("localhost/img:1") == "localhost/img:1");
    CHECK(full_image_name("localhost:5000/img") == "localhost:5000/img:latest");
    CHECK(full_image_name("quay.io/team/img@" + digest) == "quay.io/team/img@" + digest);
}
