#include "cli/output/line_filter.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <regex.h>

#include <fmt/format.h>

namespace scheduler {

struct LinePattern::Compiled {
    Compiled() = default;
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled() { ::regfree(&expression); }
    re_pattern_buffer expression{};
};

/// With GNU's interface, since POSIX's takes a NUL for an end and refuses what grep takes.
Result<LinePattern> LinePattern::parse(const std::string& text) {
    auto compiled = std::make_shared<Compiled>();
    // The bytes that a match may begin with, which a search skips to. regfree takes it along.
    constexpr std::size_t all_bytes = 256;
    compiled->expression.fastmap = static_cast<char*>(std::malloc(all_bytes));
    ::re_set_syntax(RE_SYNTAX_EGREP | RE_NO_SUB);
    const char* trouble = ::re_compile_pattern(text.data(), text.size(), &compiled->expression);
    if (trouble == nullptr) return LinePattern(std::move(compiled));
    return fail(
        ErrorCode::bad_field,
        fmt::format("pattern \"{}\" is no regular expression: {}", text.substr(0, 64), trouble));
}

bool LinePattern::matches(std::string_view line) const {
    auto size = static_cast<regoff_t>(line.size());
    return ::re_search(&compiled_->expression, line.data(), size, 0, size, nullptr) >= 0;
}

void LineFilter::add(LogStream stream, std::string_view bytes) {
    std::string& open = open_line(stream);
    while (!bytes.empty()) {
        bool is_full = open.size() == line_bytes_max && bytes.front() != '\n';
        if (is_full) give_open(stream);
        std::size_t room = line_bytes_max - open.size();
        std::string_view piece = bytes.substr(0, std::min(bytes.find('\n'), room));
        open += piece;
        bytes.remove_prefix(piece.size());
        if (bytes.empty() || bytes.front() != '\n') continue;
        bytes.remove_prefix(1);
        give_open(stream);
    }
}

void LineFilter::finish() {
    for (LogStream stream : {LogStream::out, LogStream::err})
        if (!open_line(stream).empty()) give_open(stream);
}

void LineFilter::give_open(LogStream stream) {
    std::string line = std::exchange(open_line(stream), {});
    std::string_view text = line;
    if (has_times_) text.remove_prefix(std::min(text.find(' ') + 1, text.size()));
    if (pattern_ && !pattern_->matches(text)) return;
    has_any_ = true;
    sink_(stream, fmt::format("{}{}\n", prefix_, line));
}

}  // namespace scheduler
