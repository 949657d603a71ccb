#include "daemon/http/head.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

const HttpLimits limits;

Result<RequestHead> parse(const std::string& lines) {
    return parse_head(lines + "\r\n", limits);
}

ErrorCode error_of(const std::string& lines) {
    auto head = parse(lines);
    REQUIRE_FALSE(head);
    return head.error().code;
}

const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
const std::string post = "POST /job HTTP/1.1\r\nHost: a\r\n";

}  // namespace

TEST_CASE("a head is read with names in lower case and values trimmed", "[http]") {
    auto head =
        parse("POST /job?x=1 HTTP/1.1\r\nHOST: a:1\r\nContent-Length:  12 \r\nX-Empty:\r\n");
    REQUIRE(head);
    CHECK(head->method == "POST");
    CHECK(head->target == "/job?x=1");
    CHECK(*head->find("host") == "a:1");
    CHECK(*head->find("x-empty") == "");
    CHECK(head->find("accept") == nullptr);
    CHECK(head->content_length == 12);
    CHECK(head->keep_alive);
    CHECK_FALSE(head->expects_continue);
}

TEST_CASE("a connection is kept but for HTTP/1.0 and Connection: close", "[http]") {
    CHECK(parse(get)->keep_alive);
    CHECK_FALSE(parse("GET / HTTP/1.0\r\n")->keep_alive);
    CHECK_FALSE(parse(get + "Connection: Close\r\n")->keep_alive);
    CHECK_FALSE(parse(get + "Connection: foo, close\r\n")->keep_alive);
    CHECK(parse(get + "Connection: keep-alive\r\n")->keep_alive);
}

TEST_CASE("a body's bounds are decided once, or the request is refused", "[http]") {
    CHECK(parse(post)->content_length == 0);
    CHECK(parse(post + "Content-Length: 1048576\r\n")->content_length == 1048576);
    CHECK(error_of(post + "Content-Length: 1048577\r\n") == ErrorCode::too_large);
    CHECK(error_of(post + "Content-Length: 99999999999999999999999\r\n") == ErrorCode::too_large);
    CHECK(error_of(post + "Content-Length: 1\r\nContent-Length: 1\r\n") == ErrorCode::bad_request);
    CHECK(error_of(post + "Transfer-Encoding: chunked\r\n") == ErrorCode::length_required);
    CHECK(error_of(post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") ==
          ErrorCode::bad_request);
    CHECK(error_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n") == ErrorCode::bad_request);
    for (std::string length : {"", "abc", "-1", "+1", "1,1", "0x10", "1 2"})
        CHECK(error_of(post + "Content-Length: " + length + "\r\n") == ErrorCode::bad_request);
}

TEST_CASE("what two parsers could read in two ways is refused", "[http]") {
    for (std::string lines : {"GET /\r\nHost: a\r\n",
                              "GET / HTTP/2.0\r\nHost: a\r\n",
                              "GET / http/1.1\r\nHost: a\r\n",
                              "GET  / HTTP/1.1\r\nHost: a\r\n",
                              "GET /a b HTTP/1.1\r\nHost: a\r\n",
                              "GET /\x01 HTTP/1.1\r\nHost: a\r\n",
                              "G(T / HTTP/1.1\r\nHost: a\r\n",
                              "GET / HTTP/1.1\r\nHost : a\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
                              "GET / HTTP/1.1\r\n",
                              "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n"}) {
        INFO(lines);
        CHECK(error_of(lines) == ErrorCode::bad_request);
    }
    CHECK(error_of(get + "Content-Encoding: gzip\r\n") == ErrorCode::bad_media_type);
    CHECK(parse("GET / HTTP/1.0\r\n"));
}

TEST_CASE("a target may have 4096 bytes and not one more", "[http]") {
    std::string target = '/' + std::string(limits.target_bytes - 1, 'a');
    CHECK(parse("GET " + target + " HTTP/1.1\r\nHost: a\r\n"));
    CHECK(error_of("GET " + target + "a HTTP/1.1\r\nHost: a\r\n") == ErrorCode::uri_too_long);
}

TEST_CASE("the end of a head is found wherever it is cut", "[http]") {
    const std::string text = get + "\r\nGET /next";
    HeadScanner scanner;
    for (std::size_t size = 1; size < get.size() + 2; ++size) {
        auto end = scanner.scan(std::string_view(text).substr(0, size), limits);
        REQUIRE(end);
        CHECK_FALSE(*end);
    }
    auto end = scanner.scan(text, limits);
    REQUIRE(end);
    CHECK(*end == get.size() + 2);
}

TEST_CASE("a head that can't become one is refused before it ends", "[http]") {
    auto error = [](const std::string& text) {
        HeadScanner scanner;
        auto end = scanner.scan(text, limits);
        REQUIRE_FALSE(end);
        return end.error().code;
    };
    CHECK(error("GET / HTTP/1.1\nHost: a\n") == ErrorCode::bad_request);
    CHECK(error("GET / HTTP/1.1\r\nHost: a\n") == ErrorCode::bad_request);
    CHECK(error("\x16\x03\x01") == ErrorCode::bad_request);
    CHECK(error("GET /" + std::string(limits.head_bytes, 'a')) == ErrorCode::uri_too_long);
    CHECK(error(get + "X: " + std::string(limits.head_bytes, 'a')) == ErrorCode::head_too_large);
}

TEST_CASE("a head may have 8192 bytes and not one more", "[http]") {
    auto head_of = [](std::size_t size) {
        std::string text = get + "X: ";
        return text + std::string(size - text.size() - 4, 'a') + "\r\n\r\n";
    };
    HeadScanner fits;
    auto end = fits.scan(head_of(limits.head_bytes), limits);
    REQUIRE(end);
    CHECK(*end == limits.head_bytes);
    HeadScanner too_large;
    CHECK_FALSE(too_large.scan(head_of(limits.head_bytes + 1), limits));
}

}  // namespace scheduler
