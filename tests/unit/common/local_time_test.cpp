#include "common/local_time.hpp"

#include <catch2/catch.hpp>

#include "tests/support/zone.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;
using test::ZoneScope;

namespace {

TimePoint utc(const char* text) {
    return parse_rfc3339(text).value();
}

}  // namespace

TEST_CASE("a date is read in the daemon's zone and shown back exactly as given", "[local_time]") {
    auto [zone, text, expected] = GENERATE(table<const char*, const char*, const char*>(
        {{"UTC", "20-06-2027 20:00:00", "2027-06-20T20:00:00Z"},
         {"Europe/Lisbon", "20-06-2027 20:00:00", "2027-06-20T19:00:00Z"},
         {"Europe/Lisbon", "20-12-2027 20:00:00", "2027-12-20T20:00:00Z"},
         {"America/New_York", "01-01-2027 00:00:00", "2027-01-01T05:00:00Z"},
         {"Australia/Lord_Howe", "01-01-2027 00:00:00", "2026-12-31T13:00:00Z"},
         {"Asia/Kathmandu", "29-02-2028 23:59:59", "2028-02-29T18:14:59Z"},
         {"UTC", "01-01-1970 00:00:00", "1970-01-01T00:00:00Z"},
         {"UTC", "31-12-1969 23:59:59", "1969-12-31T23:59:59Z"},
         {"UTC", "31-12-9999 23:59:59", "9999-12-31T23:59:59Z"},
         {"UTC", "19-01-2038 03:14:08", "2038-01-19T03:14:08Z"}}));
    ZoneScope scope(zone);
    CAPTURE(zone, text);
    auto at = parse_date(text);
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == to_rfc3339(utc(expected)));
    CHECK(to_local_date(*at) == text);
}

TEST_CASE("a local time that a change of time skips is refused, and names the zone",
          "[local_time]") {
    auto [zone, text] =
        GENERATE(table<const char*, const char*>({{"Europe/Lisbon", "28-03-2027 01:00:00"},
                                                  {"Europe/Lisbon", "28-03-2027 01:59:59"},
                                                  {"America/New_York", "14-03-2027 02:30:00"},
                                                  {"Australia/Lord_Howe", "03-10-2027 02:00:00"},
                                                  {"Australia/Lord_Howe", "03-10-2027 02:29:59"},
                                                  {"Pacific/Apia", "30-12-2011 12:00:00"}}));
    ZoneScope scope(zone);
    CAPTURE(zone, text);
    auto at = parse_local_date(text);
    REQUIRE_FALSE(at);
    CHECK(at.error().code == ErrorCode::bad_date);
    CHECK_THAT(at.error().message, Contains(text) && Contains(zone) && Contains("skips"));
}

TEST_CASE("the seconds around a gap exist", "[local_time]") {
    ZoneScope scope("Europe/Lisbon");
    CHECK(parse_local_date("28-03-2027 00:59:59").value() == utc("2027-03-28T00:59:59Z"));
    CHECK(parse_local_date("28-03-2027 02:00:00").value() == utc("2027-03-28T01:00:00Z"));
    ZoneScope island("Australia/Lord_Howe");
    CHECK(parse_local_date("03-10-2027 01:59:59").value() == utc("2027-10-02T15:29:59Z"));
    CHECK(parse_local_date("03-10-2027 02:30:00").value() == utc("2027-10-02T15:30:00Z"));
}

TEST_CASE("a local time that occurs twice means the first", "[local_time]") {
    auto [zone, text, expected] = GENERATE(table<const char*, const char*, const char*>(
        {{"Europe/Lisbon", "31-10-2027 01:00:00", "2027-10-31T00:00:00Z"},
         {"Europe/Lisbon", "31-10-2027 01:59:59", "2027-10-31T00:59:59Z"},
         {"Europe/Lisbon", "31-10-2027 02:00:00", "2027-10-31T02:00:00Z"},
         {"America/New_York", "07-11-2027 01:30:00", "2027-11-07T05:30:00Z"},
         {"America/New_York", "07-11-2027 00:59:59", "2027-11-07T04:59:59Z"},
         // Half an hour is repeated.
         {"Australia/Lord_Howe", "04-04-2027 01:30:00", "2027-04-03T14:30:00Z"},
         {"Australia/Lord_Howe", "04-04-2027 01:45:00", "2027-04-03T14:45:00Z"},
         {"Australia/Lord_Howe", "04-04-2027 02:00:00", "2027-04-03T15:30:00Z"},
         // The standard offset changed from +4 to +3, without daylight saving.
         {"Europe/Moscow", "26-10-2014 01:30:00", "2014-10-25T21:30:00Z"}}));
    ZoneScope scope(zone);
    CAPTURE(zone, text);
    auto at = parse_local_date(text);
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == to_rfc3339(utc(expected)));
}

TEST_CASE("a time across a change is elapsed time: the two shown texts differ by the shift",
          "[local_time]") {
    ZoneScope scope("America/New_York");
    auto submitted = parse_local_date("14-03-2027 01:59:00").value();
    CHECK(to_local_date(submitted + *parse_duration("2m")) == "14-03-2027 03:01:00");
}

TEST_CASE("impossible and malformed dates are refused with the reason and the right form",
          "[local_time]") {
    auto [text, reason] = GENERATE(table<const char*, const char*>(
        {{"", "is empty"},
         {"31-02-2027 10:00:00", "names a day that does not exist"},
         {"29-02-2027 10:00:00", "names a day that does not exist"},
         {"31-04-2027 10:00:00", "names a day that does not exist"},
         {"00-01-2027 10:00:00", "names a day that does not exist"},
         {"01-13-2027 10:00:00", "names a day that does not exist"},
         {"01-00-2027 10:00:00", "names a day that does not exist"},
         {"01-01-2027 24:00:00", "names a time that does not exist"},
         {"01-01-2027 10:60:00", "names a time that does not exist"},
         {"01-01-2027 10:00:60", "names a time that does not exist"},
         {"01-01-2027 10:00:00 ", "is not %d-%m-%Y"},
         {"01-01-2027 10:00:00x", "is not %d-%m-%Y"},
         {" 01-01-2027 10:00:00", "is not %d-%m-%Y"},
         {"1-1-2027 10:00:00", "is not %d-%m-%Y"},
         {"01-01-27 10:00:00", "is not %d-%m-%Y"},
         {"01/01/2027 10:00:00", "is not %d-%m-%Y"},
         {"01-01-2027 10:00", "is not %d-%m-%Y"},
         {"01-01-2027", "is not %d-%m-%Y"},
         {"01-01--027 10:00:00", "is not %d-%m-%Y"},
         {"+1-01-2027 10:00:00", "is not %d-%m-%Y"},
         {"tomorrow", "is not %d-%m-%Y"},
         {"2027-01-01 10:00:00", "is not %d-%m-%Y"},
         {"2027-01-01T10:00:00", "has no offset"}}));
    CAPTURE(text);
    auto at = parse_date(text);
    REQUIRE_FALSE(at);
    CHECK(at.error().code == ErrorCode::bad_date);
    CHECK_THAT(at.error().message, Contains(reason) && Contains("2027-06-20T20:00:00+01:00"));
}

TEST_CASE("schedctl's forms of a moment", "[local_time]") {
    ZoneScope scope("Europe/Lisbon");
    auto now = utc("2027-06-20T19:30:00Z");  // 20:30 in Lisbon
    auto [text, expected] =
        GENERATE(table<const char*, const char*>({{"20-06-2027 21:00:00", "2027-06-20T20:00:00Z"},
                                                  {"2027-06-20 21:00", "2027-06-20T20:00:00Z"},
                                                  {"2027-06-20 21:00:05", "2027-06-20T20:00:05Z"},
                                                  {"2027-06-20T21:00:00Z", "2027-06-20T21:00:00Z"},
                                                  {"20:31", "2027-06-20T19:31:00Z"},
                                                  {"20:30", "2027-06-21T19:30:00Z"},
                                                  {"20:30:01", "2027-06-20T19:30:01Z"},
                                                  {"03:00", "2027-06-21T02:00:00Z"},
                                                  {"today 03:00", "2027-06-20T02:00:00Z"},
                                                  {"tomorrow 03:00", "2027-06-21T02:00:00Z"},
                                                  {"tomorrow 03:00:10", "2027-06-21T02:00:10Z"}}));
    CAPTURE(text);
    auto at = parse_at(text, now);
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == to_rfc3339(utc(expected)));
}

TEST_CASE("tomorrow crosses the end of a month and of a year", "[local_time]") {
    ZoneScope scope("UTC");
    CHECK(parse_at("tomorrow 00:00", utc("2027-02-28T12:00:00Z")).value() ==
          utc("2027-03-01T00:00:00Z"));
    CHECK(parse_at("00:00", utc("2027-12-31T12:00:00Z")).value() == utc("2028-01-01T00:00:00Z"));
}

TEST_CASE("a clock time that today's change of time skips is tomorrow's only when it is over",
          "[local_time]") {
    ZoneScope scope("Europe/Lisbon");
    CHECK_FALSE(parse_at("today 01:30", utc("2027-03-28T00:00:00Z")));
    CHECK(parse_at("01:30", utc("2027-03-28T12:00:00Z")).value() == utc("2027-03-29T00:30:00Z"));
}

TEST_CASE("what is no moment is refused", "[local_time]") {
    for (const char* text : {"",
                             "noon",
                             "25:00",
                             "20",
                             "20:0",
                             "tomorrow",
                             "tomorrow ",
                             "yesterday",
                             "2027-06-20",
                             "2027-02-30 10:00",
                             "20:00 ",
                             "2027-06-20T20:00:00"}) {
        CAPTURE(text);
        auto at = parse_at(text, utc("2027-06-20T19:30:00Z"));
        REQUIRE_FALSE(at);
        CHECK(at.error().code == ErrorCode::bad_date);
    }
}

TEST_CASE("looking back, a clock time is the last one", "[local_time]") {
    ZoneScope scope("Europe/Lisbon");
    auto now = utc("2027-06-20T19:30:00Z");  // 20:30 in Lisbon
    auto [text, expected] = GENERATE(
        table<const char*, const char*>({{"20:30", "2027-06-20T19:30:00Z"},
                                         {"20:30:01", "2027-06-19T19:30:01Z"},
                                         {"20:31", "2027-06-19T19:31:00Z"},
                                         {"03:00", "2027-06-20T02:00:00Z"},
                                         {"yesterday 21:00", "2027-06-19T20:00:00Z"},
                                         {"today 21:00", "2027-06-20T20:00:00Z"},
                                         {"10m", "2027-06-20T19:20:00Z"},
                                         {"20-06-2027 21:00:00", "2027-06-20T20:00:00Z"},
                                         {"2027-06-20 21:00", "2027-06-20T20:00:00Z"},
                                         {"2027-06-20T21:00:00Z", "2027-06-20T21:00:00Z"}}));
    CAPTURE(text);
    auto at = parse_past(text, now, "since");
    REQUIRE(at);
    CHECK(to_rfc3339(*at) == to_rfc3339(utc(expected)));
}

TEST_CASE("a look back to what is no moment names the forms", "[local_time]") {
    for (const char* text : {"", "foo", "2h30m", "25:00", "yesterday", "2027-06-20T20:00:00"}) {
        CAPTURE(text);
        auto at = parse_past(text, utc("2027-06-20T19:30:00Z"), "since");
        REQUIRE_FALSE(at);
        CHECK(at.error().code == ErrorCode::bad_date);
        CHECK(at.error().message.find("20:00 (the last one)") != std::string::npos);
    }
}

TEST_CASE("a moment can be told from what is none without a zone", "[local_time]") {
    // The clock skips it in Lisbon; elsewhere it is a moment like others.
    ZoneScope scope("Europe/Lisbon");
    for (const char* text :
         {"2027-03-28 01:30", "20:00", "20:00:30", "tomorrow 03:00", "2027-06-20T20:00:00Z"}) {
        CAPTURE(text);
        CHECK(is_moment(text));
    }
    for (const char* text :
         {"", "foo", "10m", "25:00", "31-02-2027 10:00:00", "tomorrow", "2027-06-20T20:00:00"}) {
        CAPTURE(text);
        CHECK_FALSE(is_moment(text));
    }
}

TEST_CASE("the zone's name is the one that users know", "[local_time]") {
    auto at = utc("2027-06-20T20:00:00Z");
    CHECK((ZoneScope("Europe/Lisbon"), zone_name(at)) == "Europe/Lisbon");
    CHECK((ZoneScope(":Europe/Lisbon"), zone_name(at)) == "Europe/Lisbon");
    CHECK((ZoneScope(":/usr/share/zoneinfo/Europe/Lisbon"), zone_name(at)) == "Europe/Lisbon");
    CHECK((ZoneScope(""), zone_name(at)) == "UTC");
}
