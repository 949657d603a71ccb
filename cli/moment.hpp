#pragma once
/// Moments and lengths of time as options give them. Pure.

#include <optional>
#include <string>

#include "common/time.hpp"

namespace scheduler {

/// What `--since` and `--until` take: a date as the daemon reads it, or a length of time (`10m`),
/// which means that long before `now` and becomes RFC 3339.
std::optional<std::string> since_text(const std::optional<std::string>& given, TimePoint now);

/// An optional length of time. Errors: bad_time, naming the option.
Result<std::optional<Span>> span_option(const char* option,
                                        const std::optional<std::string>& given);

}  // namespace scheduler
