#pragma once
/// Moments and lengths of time as options give them. Pure.

#include <optional>
#include <string>

#include "common/time.hpp"

namespace scheduler {

/// What `--since` and `--until` take: a moment as the daemon reads it, or a length of time (`10m`),
/// which means that long before `now` and becomes RFC 3339. Errors: bad_date, naming the option.
Result<std::optional<std::string>> since_option(const char* option,
                                                const std::optional<std::string>& given,
                                                TimePoint now);

/// `--at`: done, unless it is no moment in any zone. Errors: bad_date.
Result<Done> check_at(const std::optional<std::string>& given);

/// An optional length of time. Errors: bad_time, naming the option.
Result<std::optional<Span>> span_option(const char* option,
                                        const std::optional<std::string>& given);

/// `--for` of a pause, which `resume` names the end of. Errors: bad_time.
Result<std::optional<Span>> pause_option(const std::optional<std::string>& given,
                                         std::string_view resume);

}  // namespace scheduler
