#include "common/size.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("sizes are read with their units", "[size]") {
    auto [text, bytes] = GENERATE(
        table<const char*, std::uint64_t>({{"0B", 0},
                                           {"512B", 512},
                                           {"1b", 1},
                                           {"64KiB", 65536},
                                           {"64kib", 65536},
                                           {"10MiB", 10485760},
                                           {"5GiB", 5368709120},
                                           {"1k", 1024},
                                           {"2M", 2097152},
                                           {"1g", 1073741824},
                                           {"9223372036854775807B", 9223372036854775807U}}));
    CAPTURE(text);
    auto size = parse_size(text);
    REQUIRE(size);
    CHECK(*size == bytes);
}

TEST_CASE("a bad size is refused with its value and the right form", "[size]") {
    auto [text, reason] =
        GENERATE(table<const char*, const char*>({{"", "is empty"},
                                                  {"10", "has no unit"},
                                                  {"MiB", "does not begin with a whole number"},
                                                  {"-1B", "does not begin with a whole number"},
                                                  {" 1B", "does not begin with a whole number"},
                                                  {"1.5GiB", "is not a number and one known unit"},
                                                  {"1 MiB", "is not a number and one known unit"},
                                                  {"1MB", "is not a number and one known unit"},
                                                  {"1TiB", "is not a number and one known unit"},
                                                  {"9223372036854775808B", "is too large"},
                                                  {"99999999999999999999B", "is too large"},
                                                  {"8589934592GiB", "is too large"}}));
    CAPTURE(text);
    auto size = parse_size(text);
    REQUIRE_FALSE(size);
    CHECK(size.error().code == ErrorCode::bad_field);
    CHECK_THAT(size.error().message,
               Catch::Matchers::Contains(reason) && Catch::Matchers::Contains("10MiB"));
}

TEST_CASE("bytes are told to people in one unit", "[size]") {
    CHECK(bytes_in_words(0) == "0 bytes");
    CHECK(bytes_in_words(1) == "1 byte");
    CHECK(bytes_in_words(1023) == "1023 bytes");
    CHECK(bytes_in_words(1024) == "1.0 KiB");
    CHECK(bytes_in_words(3 << 19) == "1.5 MiB");
    CHECK(bytes_in_words(std::int64_t{5} << 30) == "5.0 GiB");
}

TEST_CASE("a size is printed in the largest whole unit, and read back the same", "[size]") {
    CHECK(size_to_string(0) == "0B");
    CHECK(size_to_string(1500) == "1500B");
    CHECK(size_to_string(1024) == "1KiB");
    CHECK(size_to_string(10 << 20) == "10MiB");
    for (std::uint64_t bytes :
         {0ULL, 1ULL, 1023ULL, 1024ULL, 1025ULL, 1ULL << 40U, (1ULL << 63U) - 1})
        CHECK(*parse_size(size_to_string(bytes)) == bytes);
}

TEST_CASE("a size in a field is that size", "[size]") {
    CHECK(Size::parse("64MiB")->bytes == std::uint64_t{64} << 20U);
    CHECK(Size{1 << 20}.to_string() == "1MiB");
    CHECK(Size::parse("64").error().message.find("size \"64\" has no unit") == 0);
}
