#include "common/gpus.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace scheduler;

namespace {

std::string devices(std::size_t count) {
    std::string text = "device=0";
    for (std::size_t i = 1; i < count; ++i)
        text += fmt::format(",{}", i);
    return text;
}

}  // namespace

TEST_CASE("GPUs are all, so many, or those named", "[gpus]") {
    CHECK(Gpus::parse("all")->count == Gpus::all);
    CHECK(Gpus::parse("2")->count == 2);
    CHECK(Gpus::parse("device=0,GPU-3a23c669")->devices ==
          std::vector<std::string>{"0", "GPU-3a23c669"});
    // As docker's own option wants it.
    CHECK(Gpus::parse("\"device=0,1\"")->devices.size() == 2);
    for (const char* text : {"all", "1", "device=0", "device=0,1"})
        CHECK(Gpus::parse(text)->to_string() == text);
}

TEST_CASE("bad GPUs are refused with the value and what is allowed", "[gpus]") {
    for (std::string text : {"",
                             "0",
                             "-1",
                             "1.5",
                             "ALL",
                             "some",
                             "device=",
                             "device=0,",
                             "device=,0",
                             "device=a b",
                             "2x"}) {
        CAPTURE(text);
        auto gpus = Gpus::parse(text);
        REQUIRE_FALSE(gpus);
        CHECK(gpus.error().code == ErrorCode::bad_field);
        CHECK_THAT(gpus.error().message,
                   Catch::Matchers::StartsWith("value \"" + text + "\" is not all, a count"));
    }
}

TEST_CASE("each limit of GPUs holds at n and breaks at n + 1", "[gpus]") {
    CHECK(Gpus::parse(std::to_string(Gpus::count_max)));
    CHECK_FALSE(Gpus::parse(std::to_string(Gpus::count_max + 1)));
    CHECK(Gpus::parse(devices(Gpus::devices_max)));
    CHECK_FALSE(Gpus::parse(devices(Gpus::devices_max + 1)));
}
