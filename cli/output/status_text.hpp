#pragma once
/// The daemon's status in lines for people. Pure.

#include <string>

#include "common/requests/status.hpp"

namespace scheduler {

std::string status_text(const StatusResponse& status, bool colour);

}  // namespace scheduler
