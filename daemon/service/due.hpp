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

/// What is to be said of a moment in the past; nothing of another one.
struct PastDate {
    std::optional<std::string> warning = {};
    std::optional<Error> refusal = {};  ///< where the request, or else the daemon, takes none
};

/// Errors: bad_field.
Result<PastDate> check_past(const Due& due,
                            const std::optional<std::string>& past_date,
                            TimePoint now,
                            bool refuse_by_default);

}  // namespace scheduler
