#include "cli/output/line_filter.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

struct Filtered {
    explicit Filtered(const char* pattern = nullptr,
                      std::string prefix = "",
                      bool has_times = false)
        : filter(pattern != nullptr ? std::optional(LinePattern::parse(pattern).value())
                                    : std::nullopt,
                 has_times,
                 std::move(prefix),
                 [this](LogStream stream, std::string line) {
                     (stream == LogStream::out ? out : err) += line;
                 }) {}
    std::string out, err;
    LineFilter filter;
};

TEST_CASE("lines that match are left, however they come in pieces", "[cli]") {
    Filtered filtered("b+c|^$");
    for (const char* piece : {"a\nab", "bc\n", "\n", "x", "y\nbc"})
        filtered.filter.add(LogStream::out, piece);
    CHECK(filtered.out == "abbc\n\n");
    filtered.filter.finish();
    CHECK(filtered.out == "abbc\n\nbc\n");
    CHECK(filtered.filter.has_any());
}

TEST_CASE("the two streams have lines of their own", "[cli]") {
    Filtered filtered(nullptr, "7: ");
    filtered.filter.add(LogStream::out, "one");
    filtered.filter.add(LogStream::err, "two\n");
    filtered.filter.add(LogStream::out, " more\n");
    CHECK(filtered.out == "7: one more\n");
    CHECK(filtered.err == "7: two\n");
}

TEST_CASE("lines may hold any bytes", "[cli]") {
    Filtered filtered("end$");
    const std::string line("a\0b\xff end\n", 9);
    filtered.filter.add(LogStream::out, line);
    CHECK(filtered.out == line);
}

TEST_CASE("patterns are those of grep -E", "[cli]") {
    auto [pattern, line, is_match] = GENERATE(table<const char*, std::string, bool>(
        {{"{\"level\":\"error\"", "x {\"level\":\"error\"}", true},
         {"a.*end", std::string("a\0b end", 7), true},
         {"^.*$", std::string("a\0b", 3), true},
         {"one\ntwo", "two", true},
         {"a{2}", "aa", true},
         {"^(a|b)+$", "abba", true},
         {"^(a|b)+$", "abca", false}}));
    CAPTURE(pattern, line);
    CHECK(LinePattern::parse(pattern)->matches(line) == is_match);
}

TEST_CASE("a time before each line matches nothing", "[cli]") {
    Filtered filtered("^one|2027", "", true);
    filtered.filter.add(LogStream::out, "2027-06-20T20:00:00Z one\n2027-06-20T20:00:01Z two\n");
    CHECK(filtered.out == "2027-06-20T20:00:00Z one\n");
}

TEST_CASE("a line of the longest length is one, of a byte more is two", "[cli]") {
    constexpr std::size_t most = LineFilter::line_bytes_max;
    Filtered filtered(nullptr, "> ");
    filtered.filter.add(LogStream::out, std::string(most, 'x') + "\n");
    CHECK(filtered.out.size() == 2 + most + 1);
    filtered.out.clear();
    filtered.filter.add(LogStream::out, std::string(most + 1, 'x') + "\n");
    CHECK(filtered.out.size() == 2 + most + 1 + 2 + 1 + 1);
    filtered.out.clear();
    filtered.filter.add(LogStream::out, std::string(most, 'x'));
    filtered.filter.add(LogStream::out, "\nnext\n");
    CHECK(filtered.out.ends_with("x\n> next\n"));
}

TEST_CASE("what is no regular expression is refused with the reason", "[cli]") {
    auto parsed = LinePattern::parse("a(b");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::bad_field);
    CHECK(parsed.error().message.find("pattern \"a(b\" is no regular expression: ") == 0);
}

}  // namespace
}  // namespace scheduler
