#pragma once
/// Times as engines write them: RFC 3339 with 0 to 9 fractional digits; the zero time of Go, year
/// 1, stands for "not yet". Pure; any thread. Source: Docker Engine API 1.41, Go's
/// time.RFC3339Nano.

#include <chrono>
#include <optional>
#include <string_view>

#include "common/time.hpp"

namespace scheduler {

using NanoPoint = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Nothing for the zero time, for anything else before 1970 or after 2261 (where nanoseconds end),
/// and for what is no time.
std::optional<NanoPoint> parse_engine_nanos(std::string_view text);

/// The same, cut to milliseconds.
std::optional<TimePoint> parse_engine_time(std::string_view text);

}  // namespace scheduler
