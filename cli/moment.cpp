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

Result<std::optional<Span>> pause_option(const std::optional<std::string>& given,
                                         std::string_view resume) {
    auto span = span_option("--for", given);
    if (span && *span && (*span)->length == Duration(0))
        return fail(ErrorCode::bad_time,
                    "--for 0s is no pause; leave --for out to pause until " + std::string(resume));
    return span;
}

}  // namespace scheduler
