#pragma once
/// Instants and lengths of time, and their texts that do not depend on a time zone.
/// A TimePoint is on the wall clock (UTC); a Duration counts milliseconds.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

using Duration = std::chrono::milliseconds;
using TimePoint = std::chrono::sys_time<Duration>;

/// The longest time ahead that is taken: 100 years of 365 days.
constexpr Duration duration_max = std::chrono::hours(24) * 365 * 100;

/// The contract's `time`: a whole number and one unit s, m, h or d, in either case: `30s`, `2m`,
/// `4D`. Errors: bad_time, with the value and the right form.
Result<Duration> parse_duration(std::string_view text);
/// The inverse, in the largest unit that keeps it whole: `2m`, `90s`; milliseconds are cut.
std::string to_string(Duration duration);
/// For people, as everything here says it: `45s`, `2m30s`, `3h`, `2d4h`. At most two units, rounded
/// to whole seconds first; the second unit is left out when it is zero or there are 10 days or
/// more.
std::string short_duration(Duration length);

/// A length of time in request fields (`timeout`, `for`), written as parse_duration reads it.
struct Span {
    Duration length{};
    static Result<Span> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const { return scheduler::to_string(length); }
    bool operator==(const Span&) const = default;
};

/// RFC 3339 in UTC with milliseconds: `2027-06-20T19:00:00.000Z`.
std::string to_rfc3339(TimePoint at);
/// RFC 3339 with an offset (`Z` or `±hh:mm`) and 0 to 9 fractional digits, which are cut to
/// milliseconds. Errors: bad_date. Leap seconds (`:60`) are refused.
Result<TimePoint> parse_rfc3339(std::string_view text);
/// True when the text begins like RFC 3339 does (`YYYY-MM-DDT…`), so that its errors are the ones
/// to show.
bool looks_like_rfc3339(std::string_view text);

/// An instant in answers, shown in RFC 3339.
struct Instant {
    TimePoint at{};
    static Result<Instant> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const { return to_rfc3339(at); }
    bool operator==(const Instant&) const = default;
};

}  // namespace scheduler
