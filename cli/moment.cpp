#include "cli/moment.hpp"

namespace scheduler {

std::optional<std::string> since_text(const std::optional<std::string>& given, TimePoint now) {
    if (!given) return std::nullopt;
    auto length = parse_duration(*given);
    return length ? to_rfc3339(now - *length) : *given;
}

Result<std::optional<Span>> span_option(const char* option,
                                        const std::optional<std::string>& given) {
    if (!given) return std::optional<Span>();
    auto span = Span::parse(*given);
    if (!span) return fail(span.error().code, std::string(option) + ": " + span.error().message);
    return std::optional(*span);
}

}  // namespace scheduler
