#include "cli/moment.hpp"

#include "cli/output/text.hpp"
#include "common/local_time.hpp"

namespace scheduler {

Result<std::optional<std::string>> since_option(const char* option,
                                                const std::optional<std::string>& given,
                                                TimePoint now) {
    if (!given || is_moment(*given)) return given;
    // A moment in our own zone may be none in the daemon's: only a length of time is one for sure.
    auto at = parse_past(*given, now, option);
    if (!at) return fail(at.error().code, escape_text(at.error().message));
    return std::optional(to_rfc3339(*at));
}

Result<Done> check_at(const std::optional<std::string>& given) {
    if (!given || is_moment(*given)) return Done{};
    return fail(ErrorCode::bad_date,
                "--at: " + escape_text(parse_at(*given, TimePoint{}).error().message));
}

Result<std::optional<Span>> span_option(const char* option,
                                        const std::optional<std::string>& given) {
    if (!given) return std::optional<Span>();
    auto span = Span::parse(*given);
    if (!span)
        return fail(span.error().code,
                    std::string(option) + ": " + escape_text(span.error().message));
    return std::optional(*span);
}

}  // namespace scheduler
