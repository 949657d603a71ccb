#pragma once
/// What of a specification no engine could take, or would take for something else: refused when the
/// job is submitted, not when it is due. Part of check_spec(). Pure; any thread.

#include "common/job_spec.hpp"

namespace scheduler {

/// All fields but image, entrypoint, command, env and timeout. Errors: bad_field, too_large.
Result<Done> check_container(const JobSpec& spec);

}  // namespace scheduler
