#include "common/ids.hpp"

#include <unordered_set>

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("a UUIDv7 has RFC 9562's layout", "[ids]") {
    // 48 bits of milliseconds, version 7, 12 bits counter, variant 10, 62 bits random.
    CHECK(to_hex(make_uuid_v7(0x0123456789abU, 0xdef, 0x1122334455667788U)) ==
          "0123456789ab7def9122334455667788");
    CHECK(to_hex(make_uuid_v7(0, 0, 0)) == "00000000000070008000000000000000");
    CHECK(to_hex(make_uuid_v7(~0ULL, 0xffff, ~0ULL)) == "ffffffffffff7fffbfffffffffffffff");
}

TEST_CASE("later ids are greater, by time and then by counter", "[ids]") {
    CHECK(JobId(make_uuid_v7(1, 0xfff, ~0ULL)) < JobId(make_uuid_v7(2, 0, 0)));
    CHECK(JobId(make_uuid_v7(2, 0, ~0ULL)) < JobId(make_uuid_v7(2, 1, 0)));
    CHECK(to_hex(make_uuid_v7(1, 0xfff, ~0ULL)) < to_hex(make_uuid_v7(2, 0, 0)));
}

TEST_CASE("an id is read back as it is written", "[ids]") {
    JobId id(make_uuid_v7(0x018f00112233U, 0x456, 0x789abcdef0123456U));
    auto text = id.to_string();
    CHECK(text.size() == 32);
    auto again = JobId::parse(text);
    REQUIRE(again);
    CHECK(*again == id);
    CHECK(std::unordered_set<JobId>{id, *again, JobId()}.size() == 2);
}

TEST_CASE("what is not 32 lower-case hex digits is no id", "[ids]") {
    for (const char* text : {"",
                             "0123456789ab7def912233445566778",
                             "0123456789ab7def91223344556677880",
                             "0123456789AB7DEF9122334455667788",
                             "0123456789ab7def912233445566778g",
                             "01234567-89ab-7def-9122-334455667788",
                             "0123456789ab7def912233445566778 ",
                             "0x23456789ab7def9122334455667788"}) {
        CAPTURE(text);
        auto id = JobId::parse(text);
        REQUIRE_FALSE(id);
        CHECK(id.error().code == ErrorCode::bad_field);
    }
}

TEST_CASE("a job is named by number, id, prefix or last", "[ids]") {
    for (const char* text : {"42", "018f", "0123456789ab7def9122334455667788", "last", "1"})
        CHECK(JobRef::parse(text).value().to_string() == text);
    CHECK(JobRef::parse(std::string(JobRef::length_max, 'a')));
    for (const std::string& text : {std::string(),
                                    std::string("a b"),
                                    std::string("../x"),
                                    std::string("a\n"),
                                    std::string("\xc3\xa4"),
                                    std::string("a\0", 2),
                                    std::string(JobRef::length_max + 1, 'a')}) {
        CAPTURE(text);
        REQUIRE_FALSE(JobRef::parse(text));
        CHECK(JobRef::parse(text).error().code == ErrorCode::bad_field);
    }
}
