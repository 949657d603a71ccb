#include "cli/output/line_filter.hpp"

#include <algorithm>
#include <utility>

#include <regex.h>

#include <fmt/format.h>

namespace scheduler {

struct LinePattern::Compiled {
    Compiled() = default;
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled() {
        if (is_compiled) ::regfree(&expression);
    }
    regex_t expression{};
    bool is_compiled = false;
};

Result<LinePattern> LinePattern::parse(const std::string& text) {
    auto compiled = std::make_shared<Compiled>();
    int error = ::regcomp(&compiled->expression, text.c_str(), REG_EXTENDED | REG_NOSUB);
    compiled->is_compiled = error == 0;
    if (compiled->is_compiled) return LinePattern(std::move(compiled));
    std::array<char, 256> words{};
    (void)::regerror(error, &compiled->expression, words.data(), words.size());
    return fail(
        ErrorCode::bad_field,
        fmt::format(
            "pattern \"{}\" is no regular expression: {}", text.substr(0, 64), words.data()));
}

/// With REG_STARTEND, an extension of BSD and glibc, a NUL does not end the line.
bool LinePattern::matches(std::string_view line) const {
    regmatch_t range{};
    range.rm_so = 0;
    range.rm_eo = static_cast<regoff_t>(line.size());
    return ::regexec(&compiled_->expression, line.data(), 1, &range, REG_STARTEND) == 0;
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
    if (pattern_ && !pattern_->matches(line)) return;
    has_any_ = true;
    sink_(stream, fmt::format("{}{}\n", prefix_, line));
}

}  // namespace scheduler
