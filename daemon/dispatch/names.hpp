#pragma once
/// How containers of jobs are named and labelled.

#include <charconv>
#include <cstdint>
#include <map>
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

/// Which attempt a container is, by its labels; 0 where they say none.
inline std::int64_t attempt_of(const std::map<std::string, std::string>& labels) {
    auto label = labels.find(attempt_label);
    std::int64_t attempt = 0;
    if (label != labels.end())
        (void)std::from_chars(
            label->second.data(), label->second.data() + label->second.size(), attempt);
    return attempt;
}

}  // namespace scheduler
