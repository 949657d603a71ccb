#pragma once
/// What `--json` prints besides the daemon's own answers. Pure.

#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/result.hpp"

namespace scheduler {

/// One object with the form of the daemon's errors: `{"code":…,"message":…,"data":{"code":…}}`.
std::string json_error(const Error& error);

/// One object a line.
std::string json_lines(const std::vector<Job>& jobs);

}  // namespace scheduler
