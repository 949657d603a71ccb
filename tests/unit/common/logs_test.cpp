#include "common/requests/logs.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("base64 is that of RFC 4648", "[base64]") {
    auto [bytes, text] =
        GENERATE(table<std::string, std::string>({{"", ""},
                                                  {"f", "Zg=="},
                                                  {"fo", "Zm8="},
                                                  {"foo", "Zm9v"},
                                                  {"foob", "Zm9vYg=="},
                                                  {"fooba", "Zm9vYmE="},
                                                  {"foobar", "Zm9vYmFy"},
                                                  {"\xff\xff\xfe", "///+"},
                                                  {std::string("\0\0\0\0", 4), "AAAAAA=="}}));
    CAPTURE(text);
    CHECK(Base64Bytes{bytes}.to_string() == text);
    auto again = Base64Bytes::parse(text);
    REQUIRE(again);
    CHECK(again->bytes == bytes);
}

TEST_CASE("any bytes survive base64", "[base64]") {
    std::string bytes;
    for (int i = 0; i < 1021; ++i) {
        bytes.push_back(static_cast<char>(i * 31 % 256));
        CHECK(Base64Bytes::parse(Base64Bytes{bytes}.to_string())->bytes == bytes);
    }
}

TEST_CASE("what is not base64 is refused", "[base64]") {
    for (const char* text : {"Z",
                             "Zg",
                             "Zg=",
                             "====",
                             "Z===",
                             "Zg==Zg==",
                             "Zg=a",
                             "Zm9v\n",
                             "Zm 9",
                             "Zm9-",
                             "Zm9_",
                             "\xff\xff\xff\xff"}) {
        CAPTURE(text);
        CHECK_FALSE(Base64Bytes::parse(text));
    }
}

TEST_CASE("a stream is read back as it is written", "[logs]") {
    for (LogStream stream : {LogStream::out, LogStream::err})
        CHECK(parse_log_stream(to_string(stream)).value() == stream);
    CHECK_FALSE(parse_log_stream("stdin"));
    CHECK_FALSE(parse_log_stream(""));
}
