#pragma once
/// One line an event to stderr: past tense, stable name, then fields.
///     job_dispatched job=… attempt=1 lateness_ms=12
/// As text (with journald's level prefix `<6>` under systemd) or JSON. Lines are written whole,
/// with one write(2). Any thread. The log sink is the program's one global.

#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace scheduler {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

/// One `name=value`; the value is quoted when it has blanks or control characters.
struct LogField {
    std::string_view name;
    std::string value;
    template <class T>
    LogField(std::string_view field, const T& content)
        : name(field), value(fmt::format("{}", content)) {}
};

void set_log_level(LogLevel level);
void set_log_format(LogFormat format);
bool is_logged(LogLevel level);

void log_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

inline void log_debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (is_logged(LogLevel::debug)) log_line(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (is_logged(LogLevel::info)) log_line(LogLevel::info, event, fields);
}
inline void log_warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log_line(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    log_line(LogLevel::error, event, fields);
}

}  // namespace scheduler
