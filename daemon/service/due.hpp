#pragma once
/// When a job is due, as requests say it. Pure; any thread.

#include <optional>
#include <string>

#include "common/result.hpp"
#include "common/time.hpp"

namespace scheduler {

struct Due {
    TimePoint at{};
    std::string when;  ///< the time or date as given; empty: the date that came of it
};

/// Exactly one of these is given. Errors: bad_field, bad_time, bad_date.
Result<Due> read_due(const std::optional<std::string>& time,
                     const std::optional<std::string>& date,
                     const std::optional<std::string>& at,
                     TimePoint now);

}  // namespace scheduler
