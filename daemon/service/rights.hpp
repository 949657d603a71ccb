#pragma once
/// What a caller may have run. Pure; any thread.

#include <string>

#include "common/job_spec.hpp"
#include "daemon/service/caller.hpp"

namespace scheduler {

/// HTTP without a token can be reached by every local user, so there nothing is taken that gives
/// power over the engine's host. Errors: forbidden, naming the field.
Result<Done> check_rights(const JobSpec& spec, const Caller& caller);

/// What such a caller may give over a specification that `owner` made: one that has this power, or
/// environment values, which are shown to nobody, runs as it is. `what` it is: `job 42`. And what
/// has power may not be given over a definition that anyone could have set.
/// Errors: forbidden.
Result<Done> check_rights_over(const JobSpec& base,
                               const std::string& owner,
                               const std::string& what,
                               const JobSpec& given,
                               const Caller& caller);

/// Whether such a caller may replace or remove what `owner` made. Errors: forbidden.
Result<Done> check_owner(const std::string& owner, const std::string& what, const Caller& caller);

}  // namespace scheduler
