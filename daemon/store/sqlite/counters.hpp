#pragma once
/// Names in the table `counter` besides the states of jobs (scheduled, running, and one a finish
/// status).

#include <string_view>

namespace scheduler {

/// Jobs that were removed from history, ever: the states' sum is what was submitted less these.
inline constexpr std::string_view purged_counter = "purged";
/// Stored output of ended jobs: the sum over the table `output`.
inline constexpr std::string_view output_bytes_counter = "output_bytes";

}  // namespace scheduler
