#include "daemon/token_file.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/temp_dir.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;
using test::TempDir;

namespace {

constexpr const char* secret = "0123456789abcdef";

std::string error_of(std::string_view text) {
    auto tokens = parse_tokens(text, "FILE");
    if (tokens) FAIL("the tokens were taken");
    return tokens.error().message;
}

}  // namespace

TEST_CASE("a token file holds NAME TOKEN lines, comments and blank lines", "[token_file]") {
    auto tokens = parse_tokens(
        "# who may call\n\nada  0123456789abcdef\r\n\tci.bot\tabcdefghijklmnop+/=", "FILE");
    REQUIRE(tokens);
    CHECK(*tokens == std::vector<Token>{{"ada", secret}, {"ci.bot", "abcdefghijklmnop+/="}});
}

TEST_CASE("a bad line is named by its number, and its token is not shown", "[token_file]") {
    auto [line, expected] = GENERATE(
        table<const char*, const char*>({{"ada", "is not NAME TOKEN"},
                                         {"ada 0123456789abcdef more", "is not NAME TOKEN"},
                                         {"a/b 0123456789abcdef", "has a name"},
                                         {"ada 0123456789abcde", "has a token of 15 characters"},
                                         {"ada 0123456789abcdef,", "has a token with characters"},
                                         {"ok fedcba9876543210", "repeats the name ok"},
                                         {"ada 0123456789abcdef0", "repeats the token of ok"}}));
    auto message = error_of(fmt::format("ok 0123456789abcdef0\n{}\n", line));
    CAPTURE(line);
    CHECK_THAT(message,
               Contains("FILE, line 2 ") && Contains(expected) && !Contains("0123456789abcde"));
}

TEST_CASE("names and tokens are taken up to their limits", "[token_file]") {
    std::string name(Token::name_length_max, 'n');
    std::string longest(Token::length_max, 't');
    CHECK(parse_tokens(name + " " + longest, "FILE"));
    CHECK_THAT(error_of(name + "n " + longest), Contains("has a name"));
    CHECK_THAT(error_of(name + " " + longest + "t"), Contains("has a token of 513"));
}

TEST_CASE("a token file without a token is refused", "[token_file]") {
    CHECK_THAT(error_of(""), Contains("holds no NAME TOKEN line"));
    CHECK_THAT(error_of("# only a comment\n"), Contains("holds no NAME TOKEN line"));
}

TEST_CASE("a token file that others can read or write is refused", "[token_file]") {
    TempDir dir;
    auto file = dir.write("tokens", fmt::format("ada {}\n", secret));
    for (mode_t mode : {0600, 0640, 0400}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        CHECK(read_token_file(file));
    }
    for (mode_t mode : {0644, 0604, 0660, 0602}) {
        CAPTURE(mode);
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        auto tokens = read_token_file(file);
        REQUIRE_FALSE(tokens);
        CHECK_THAT(tokens.error().message, Contains("chmod 0640"));
    }
}

TEST_CASE("what is no token file is refused with the reason", "[token_file]") {
    TempDir dir;
    CHECK_THAT(read_token_file(dir / "none").error().message,
               Contains("can't be opened: No such file"));
    CHECK_THAT(read_token_file(dir.path()).error().message, Contains("is not a regular file"));
    auto fifo = dir / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THAT(read_token_file(fifo).error().message, Contains("is not a regular file"));
    auto large = dir.write("large", std::string(token_file_bytes_max + 1, '#'));
    REQUIRE(::chmod(large.c_str(), 0600) == 0);
    CHECK_THAT(read_token_file(large).error().message, Contains("at most"));
}
