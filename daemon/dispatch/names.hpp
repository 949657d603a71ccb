#pragma once
/// How containers of jobs are named and labelled.

#include <optional>
#include <string>

#include "common/ids.hpp"

namespace scheduler {

inline constexpr const char* job_label = "schedulerd.job";
inline constexpr const char* attempt_label = "schedulerd.attempt";
/// A UUID per state directory: a daemon looks only at its own containers.
inline constexpr const char* instance_label = "schedulerd.instance";

inline std::string container_name(JobId id, int attempt) {
    return "schedulerd-" + id.to_string() + '-' + std::to_string(attempt);
}

}  // namespace scheduler
