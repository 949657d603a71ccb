#pragma once
/// The contract's local dates, `%d-%m-%Y %H:%M:%S`, in this process's zone (TZ, else
/// /etc/localtime). The only file that calls mktime or localtime_r. A local time that a DST change
/// skips is an error; one that occurs twice means the first. Any thread.

#include <string>
#include <string_view>

#include "common/time.hpp"

namespace scheduler {

/// `20-06-2027 20:00:00`; milliseconds are cut.
std::string to_local_date(TimePoint at);
/// Two digits each, four for the year, so that a date is shown back exactly as given.
/// Errors: bad_date with the reason.
Result<TimePoint> parse_local_date(std::string_view text);

/// The contract's `date`: a local date, or RFC 3339 with an offset. Errors: bad_date.
Result<TimePoint> parse_date(std::string_view text);

/// What `schedctl --at` takes besides: `2027-06-20 20:00[:30]`, `20:00[:30]` (the next one after
/// `now`), `tomorrow 03:00`, `today 20:00`. Errors: bad_date.
Result<TimePoint> parse_at(std::string_view text, TimePoint now);

/// The zone's name: `Europe/Lisbon` where TZ or the system says it, else the abbreviation at `at`.
std::string zone_name(TimePoint at);

}  // namespace scheduler
