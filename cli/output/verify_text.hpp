#pragma once
/// What `verify` found, in lines for people. Pure.

#include <string>

#include "common/requests/verify.hpp"

namespace scheduler {

std::string verify_text(const VerifyResponse& result, bool colour);

}  // namespace scheduler
