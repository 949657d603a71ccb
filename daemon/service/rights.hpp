#pragma once
/// What a caller may have run. Pure; any thread.

#include "common/job_spec.hpp"
#include "daemon/service/caller.hpp"

namespace scheduler {

/// HTTP without a token can be reached by every local user, so there nothing is taken that gives
/// power over the engine's host. Errors: forbidden, naming the field.
Result<Done> check_rights(const JobSpec& spec, const Caller& caller);

}  // namespace scheduler
