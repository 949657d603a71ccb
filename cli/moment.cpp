#include "cli/moment.hpp"

#include <fmt/format.h>

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

Result<Done> check_past_option(const std::optional<std::string>& past,
                               const std::optional<std::string>& at) {
    if (past && *past != "run" && *past != "refuse")
        return fail(ErrorCode::bad_request,
                    fmt::format("--past takes run or refuse, not \"{}\"", escape_text(*past)));
    if (past && !at)
        return fail(ErrorCode::bad_request, "--past is about a past --at; leave it out");
    return Done{};
}

void explain_past(Error& error, const std::optional<std::string>& past) {
    bool is_past = error.message.find("is in the past") != std::string::npos;
    if (error.code == ErrorCode::bad_date && is_past && !past) error.message += " with --past run";
}

}  // namespace scheduler
