#include "common/cpus.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("a number of CPUs is exact to a billionth, and reads back the same", "[cpus]") {
    auto [text, nano, shown] = GENERATE(table<const char*, std::int64_t, const char*>(
        {{"1", 1'000'000'000, "1"},
         {"1.5", 1'500'000'000, "1.5"},
         {"0.1", 100'000'000, "0.1"},
         {".5", 500'000'000, "0.5"},
         {"0.333333333", 333'333'333, "0.333333333"},
         {"0", 0, "0"},
         {"010.50", 10'500'000'000, "10.5"},
         {"999999.999999999", 999'999'999'999'999, "999999.999999999"}}));
    CAPTURE(text);
    auto cpus = Cpus::parse(text);
    REQUIRE(cpus);
    CHECK(cpus->nano == nano);
    CHECK(cpus->to_string() == shown);
    CHECK(*Cpus::parse(cpus->to_string()) == *cpus);
}

TEST_CASE("a bad number of CPUs is refused with its value and the right form", "[cpus]") {
    auto [text, reason] =
        GENERATE(table<const char*, const char*>({{"", "is empty"},
                                                  {".", "is not a decimal number"},
                                                  {"1.", "is not a decimal number"},
                                                  {"-1", "is not a decimal number"},
                                                  {"+1", "is not a decimal number"},
                                                  {"1e2", "is not a decimal number"},
                                                  {"1,5", "is not a decimal number"},
                                                  {"1.5.2", "is not a decimal number"},
                                                  {" 1", "is not a decimal number"},
                                                  {"nan", "is not a decimal number"},
                                                  {"0.1234567891", "more than 9 digits"},
                                                  {"1000000", "is too large"},
                                                  {"99999999999999999999", "is too large"}}));
    CAPTURE(text);
    auto cpus = Cpus::parse(text);
    REQUIRE_FALSE(cpus);
    CHECK(cpus.error().code == ErrorCode::bad_field);
    CHECK_THAT(cpus.error().message,
               Catch::Matchers::StartsWith("number \"" + std::string(text) + "\"") &&
                   Catch::Matchers::Contains(reason) && Catch::Matchers::Contains("such as 1.5"));
}
