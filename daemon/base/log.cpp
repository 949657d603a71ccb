#include "daemon/base/log.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iterator>

#include <unistd.h>

#include "common/json.hpp"
#include "common/time.hpp"

namespace scheduler {
namespace {

std::atomic<LogLevel> current_level = LogLevel::info;
std::atomic<LogFormat> current_format = LogFormat::text;

std::string_view level_word(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "info";
}

/// sd-daemon(3): a line that begins with `<N>` has that syslog level in the journal.
std::string_view journald_prefix(LogLevel level) {
    static const bool in_journal =
        std::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe)
    if (!in_journal) return "";
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warning:
            return "<4>";
        case LogLevel::error:
            return "<3>";
    }
    return "";
}

bool needs_quotes(std::string_view value) {
    return value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
               return c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 127;
           });
}

TimePoint wall_now() {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

}  // namespace

void set_log_level(LogLevel level) {
    current_level = level;
}
void set_log_format(LogFormat format) {
    current_format = format;
}
bool is_logged(LogLevel level) {
    return level >= current_level.load(std::memory_order_relaxed);
}

void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    if (!is_logged(level)) return;
    fmt::memory_buffer line;
    auto out = std::back_inserter(line);
    if (current_format == LogFormat::json) {
        fmt::format_to(out,
                       "{{\"at\":\"{}\",\"level\":\"{}\",\"event\":{}",
                       to_rfc3339(wall_now()),
                       level_word(level),
                       quote_json(event));
        for (const LogField& field : fields)
            fmt::format_to(out, ",{}:{}", quote_json(field.name), quote_json(field.value));
        fmt::format_to(out, "}}\n");
    } else {
        auto prefix = journald_prefix(level);
        if (prefix.empty())
            fmt::format_to(out, "{} {:7} {}", to_rfc3339(wall_now()), level_word(level), event);
        else
            fmt::format_to(out, "{}{}", prefix, event);
        for (const LogField& field : fields)
            fmt::format_to(out,
                           " {}={}",
                           field.name,
                           needs_quotes(field.value) ? quote_json(field.value) : field.value);
        line.push_back('\n');
    }
    // Nothing can be done about a log that can't be written.
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace scheduler
