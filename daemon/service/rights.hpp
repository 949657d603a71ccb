#pragma once
/// What a caller may have run. Pure; any thread.

#include <string>

#include "common/job_spec.hpp"
#include "daemon/service/caller.hpp"

namespace scheduler {

/// HTTP without a token can be reached by every local user, so there nothing is taken that gives
/// power over the engine's host. Errors: forbidden, naming the field.
Result<Done> check_rights(const JobSpec& spec, const Caller& caller);

/// A specification that was made before, and is run again or changed.
struct Inherited {
    JobSpec spec;
    std::string what;   ///< `job 42`
    std::string owner;  ///< who made it
};

/// What such a caller may give over it: a specification that has this power, or environment values,
/// which are shown to nobody, runs as it is. And what has power may not be given over one that
/// anyone could have set. Errors: forbidden.
Result<Done> check_rights_over(const Inherited& before,
                               bool is_as_it_is,
                               const JobSpec& given,
                               const Caller& caller);

/// Whether such a caller may replace or remove what `owner` made. Errors: forbidden.
Result<Done> check_owner(const std::string& owner, const std::string& what, const Caller& caller);

}  // namespace scheduler
