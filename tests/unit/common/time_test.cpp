#include "common/time.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a time is a whole number and one unit, in either case", "[time]") {
    auto [text, expected] = GENERATE(table<const char*, Duration>({{"0s", 0ms},
                                                                   {"1s", 1s},
                                                                   {"30s", 30s},
                                                                   {"2m", 2min},
                                                                   {"1h", 1h},
                                                                   {"4d", 96h},
                                                                   {"2M", 2min},
                                                                   {"1H", 1h},
                                                                   {"4D", 96h},
                                                                   {"5S", 5s},
                                                                   {"007s", 7s},
                                                                   {"90m", 90min},
                                                                   {"36500d", duration_max},
                                                                   {"876000h", duration_max},
                                                                   {"52560000m", duration_max},
                                                                   {"3153600000s", duration_max}}));
    CAPTURE(text);
    auto duration = parse_duration(text);
    REQUIRE(duration);
    CHECK(*duration == expected);
}

TEST_CASE("a time of any other form is refused with its value and the right form", "[time]") {
    auto [text, reason] = GENERATE(
        table<const char*, const char*>({{"", "is empty"},
                                         {"abc", "does not begin with a whole number"},
                                         {"s", "does not begin with a whole number"},
                                         {"-5s", "does not begin with a whole number"},
                                         {"+5s", "does not begin with a whole number"},
                                         {" 5s", "does not begin with a whole number"},
                                         {".5s", "does not begin with a whole number"},
                                         {"5s ", "is not a number and one unit"},
                                         {"5 s", "is not a number and one unit"},
                                         {"2h30m", "is not a number and one unit"},
                                         {"1.5h", "is not a number and one unit"},
                                         {"1e3s", "is not a number and one unit"},
                                         {"5ms", "is not a number and one unit"},
                                         {"5\xc2\xb5s", "is not a number and one unit"},
                                         {"0x10s", "is not a number and one unit"},
                                         {"5", "has no unit"},
                                         {"0", "has no unit"},
                                         {"4w", "has an unknown unit"},
                                         {"1y", "has an unknown unit"},
                                         {"36501d", "is more than 100 years"},
                                         {"876001h", "is more than 100 years"},
                                         {"3153600001s", "is more than 100 years"},
                                         {"18446744073709551615d", "is more than 100 years"},
                                         {"18446744073709551616s", "is more than 100 years"},
                                         {"99999999999999999999999s", "is more than 100 years"}}));
    CAPTURE(text);
    auto duration = parse_duration(text);
    REQUIRE_FALSE(duration);
    CHECK(duration.error().code == ErrorCode::bad_time);
    CHECK_THAT(duration.error().message,
               Contains("\"" + std::string(text) + "\"") && Contains(reason) &&
                   Contains("30s, 2m, 1h or 4d"));
}

TEST_CASE("a time with a NUL in it is refused", "[time]") {
    CHECK_FALSE(parse_duration(std::string_view("5s\0", 3)));
    CHECK_FALSE(parse_duration(std::string_view("5\0", 2)));
}

TEST_CASE("a time is printed in the largest unit that keeps it whole", "[time]") {
    CHECK(to_string(Duration(0)) == "0s");
    CHECK(to_string(Duration(90s)) == "90s");
    CHECK(to_string(Duration(120s)) == "2m");
    CHECK(to_string(Duration(90min)) == "90m");
    CHECK(to_string(Duration(48h)) == "2d");
    CHECK(to_string(Duration(1999)) == "1s");
    for (const char* text : {"0s", "1s", "59s", "1m", "61m", "23h", "1d", "36500d"})
        CHECK(to_string(*parse_duration(text)) == text);
}

TEST_CASE("lengths of time are short and never lie by more than a unit", "[time]") {
    CHECK(short_duration(0s) == "0s");
    CHECK(short_duration(45s) == "45s");
    CHECK(short_duration(150s) == "2m30s");
    CHECK(short_duration(2min) == "2m");
    CHECK(short_duration(12min + 30s) == "12m30s");
    CHECK(short_duration(3h) == "3h");
    CHECK(short_duration(3h + 20min) == "3h20m");
    CHECK(short_duration(24h * 2 + 4h) == "2d4h");
    CHECK(short_duration(24h * 400 + 5h) == "400d");
    CHECK(short_duration(119999ms) == "2m");
    CHECK(short_duration(-90s) == "1m30s");
}

TEST_CASE("RFC 3339 is read with any offset, and printed in UTC", "[time]") {
    auto [text, expected] = GENERATE(table<const char*, const char*>(
        {{"2027-06-20T20:00:00Z", "2027-06-20T20:00:00.000Z"},
         {"2027-06-20t20:00:00z", "2027-06-20T20:00:00.000Z"},
         {"2027-06-20T20:00:00+01:00", "2027-06-20T19:00:00.000Z"},
         {"2027-06-20T20:00:00-05:30", "2027-06-21T01:30:00.000Z"},
         {"2027-01-01T00:00:00+23:59", "2026-12-31T00:01:00.000Z"},
         {"2027-06-20T20:00:00.5Z", "2027-06-20T20:00:00.500Z"},
         {"2027-06-20T20:00:00.123456789Z", "2027-06-20T20:00:00.123Z"},
         {"2027-06-20T20:00:00.9999Z", "2027-06-20T20:00:00.999Z"},
         {"2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"},
         {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
         {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"}}));
    CAPTURE(text);
    CHECK(looks_like_rfc3339(text));
    auto at = parse_rfc3339(text);
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == expected);
    CHECK(parse_rfc3339(expected).value() == *at);
}

TEST_CASE("bad RFC 3339 is refused with the reason", "[time]") {
    auto [text, reason] = GENERATE(table<const char*, const char*>(
        {{"2027-06-20T20:00:00", "has no offset"},
         {"2027-06-20T20:00:00.5", "has no offset"},
         {"2027-06-20T20:00:00+0100", "does not end with an offset"},
         {"2027-06-20T20:00:00+01", "does not end with an offset"},
         {"2027-06-20T20:00:00+24:00", "does not end with an offset"},
         {"2027-06-20T20:00:00+01:60", "does not end with an offset"},
         {"2027-06-20T20:00:00Z ", "does not end with an offset"},
         {"2027-06-20T20:00:00Zulu", "does not end with an offset"},
         {"2027-06-20T20:00:00+01:00x", "does not end with an offset"},
         {"2027-06-20T20:00:00.Z", "fraction"},
         {"2027-06-20T20:00:00.1234567890Z", "fraction"},
         {"2027-02-31T20:00:00Z", "does not exist"},
         {"2027-02-29T20:00:00Z", "does not exist"},
         {"2027-13-01T20:00:00Z", "does not exist"},
         {"2027-00-01T20:00:00Z", "does not exist"},
         {"2027-06-20T24:00:00Z", "does not exist"},
         {"2027-06-20T23:60:00Z", "does not exist"},
         {"2027-06-30T23:59:60Z", "does not exist"},
         {"2027-6-20T20:00:00Z", "is not RFC 3339"},
         {"2027-06-20 20:00:00Z", "is not RFC 3339"},
         {"2027-06-20T20:00Z", "is not RFC 3339"},
         {"+027-06-20T20:00:00Z", "is not RFC 3339"},
         {"", "is not RFC 3339"}}));
    CAPTURE(text);
    auto at = parse_rfc3339(text);
    REQUIRE_FALSE(at);
    CHECK(at.error().code == ErrorCode::bad_date);
    CHECK_THAT(at.error().message, Contains(reason));
}
