#pragma once
/// How far away a moment is, in few letters. Pure.

#include <string>

#include "common/time.hpp"

namespace scheduler {

/// `in 3h`, `2m ago`, `now` (less than half a second away).
std::string relative_time(TimePoint at, TimePoint now);

}  // namespace scheduler
