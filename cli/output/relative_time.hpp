#pragma once
/// How far away a moment is, in few letters. Pure.

#include <string>

#include "common/time.hpp"

namespace scheduler {

/// `45s`, `2m30s`, `3h`, `2d4h`: at most two units, rounded to whole seconds first; the second unit
/// is left out when it is zero or the first is 10 or more.
std::string short_duration(Duration length);

/// `in 3h`, `2m ago`, `now` (less than half a second away).
std::string relative_time(TimePoint at, TimePoint now);

}  // namespace scheduler
