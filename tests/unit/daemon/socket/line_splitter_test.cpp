#include "daemon/socket/line_splitter.hpp"

#include <vector>

#include <catch2/catch.hpp>

using namespace scheduler;

namespace {

std::vector<std::string> lines_of(LineSplitter& splitter) {
    std::vector<std::string> lines;
    while (auto line = splitter.next())
        lines.emplace_back(*line);
    return lines;
}

}  // namespace

TEST_CASE("lines are whole, in whatever pieces their bytes come", "[socket]") {
    const std::string bytes = "one\n\ntwo and more\nrest";
    auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{100});
    LineSplitter splitter(100);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
        splitter.feed(std::string_view(bytes).substr(i, piece));
        for (auto& line : lines_of(splitter))
            lines.push_back(line);
    }
    CHECK(lines == std::vector<std::string>{"one", "", "two and more"});
    CHECK(splitter.rest() == "rest");
    CHECK_FALSE(splitter.is_overlong());
}

TEST_CASE("a line may be as long as the limit, and not a byte longer", "[socket]") {
    bool with_newline = GENERATE(true, false);
    std::string end = with_newline ? "\n" : "";
    LineSplitter fitting(5);
    fitting.feed("12345" + end);
    CHECK(lines_of(fitting).size() == (with_newline ? 1 : 0));
    CHECK_FALSE(fitting.is_overlong());

    LineSplitter overlong(5);
    overlong.feed("1\n123456" + end);
    CHECK(lines_of(overlong) == std::vector<std::string>{"1"});
    CHECK(overlong.is_overlong());
}
