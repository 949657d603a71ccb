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
/// `now`), `tomorrow 03:00`, `today 20:00`, `yesterday 20:00`. Errors: bad_date.
Result<TimePoint> parse_at(std::string_view text, TimePoint now);
/// What `--since` and `--until` take: the same, but `20:00` is the last one (today's or
/// yesterday's), and a length of time (`10m`) is that long ago. Errors: bad_date, naming `field`.
Result<TimePoint> parse_past(std::string_view text, TimePoint now, std::string_view field);

/// False for a text that is no moment in any zone, so that a client can say so without the daemon.
bool is_moment(std::string_view text);

/// The zone's name: `Europe/Lisbon` where TZ or the system says it, else the abbreviation at `at`.
std::string zone_name(TimePoint at);

}  // namespace scheduler
