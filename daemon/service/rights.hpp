#pragma once
/// What a caller may have run. Pure; any thread.

#include "common/definition.hpp"
#include "daemon/service/caller.hpp"

namespace scheduler {

/// HTTP without a token can be reached by every local user, so there nothing is taken that gives
/// power over the engine's host. Errors: forbidden, naming the field.
Result<Done> check_rights(const JobSpec& spec, const Caller& caller);

/// What such a caller may submit for a definition: one that has this power runs as it is.
/// Errors: forbidden.
Result<Done> check_rights(const Definition& definition, const JobSpec& given, const Caller& caller);

}  // namespace scheduler
