#pragma once
/// Definitions: named specifications that jobs are made from. A job copies its definition when it
/// is submitted, so that a later change never alters what was promised. Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/job_spec.hpp"
#include "common/time.hpp"

namespace scheduler {

/// Named limits, each tested at n and n + 1.
struct DefinitionLimits {
    static constexpr std::int64_t definitions = 10'000;  ///< that are stored
    static constexpr std::size_t imported = 1000;        ///< at once
};

/// A specification under its name, as it is set.
struct NamedSpec {
    std::string name;
    JobSpec spec;

    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "letters, digits, _, . and -, at most 128");
        visit("spec", self.spec, "what its jobs run");
    }
};

struct Definition {
    std::string name;
    std::int64_t revision = 0;
    Instant updated_at;
    std::string updated_by;  ///< as `submitted_by` of a job
    JobSpec spec;

    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "what job_name says to run it");
        visit("revision",
              self.revision,
              "of this specification: grows with each change, never reused");
        visit("updated_at", self.updated_at, "when it was set, RFC 3339, UTC");
        visit("updated_by", self.updated_by, "uid:N, token:NAME or http");
        visit("spec", self.spec, "what its jobs run; environment values read `hidden`");
    }
};

Error definition_not_found(std::string_view name);

/// What runs when `given` is submitted for `base`: each field that is given wins. Of `env`,
/// `labels` and `tmpfs` each entry does. An entrypoint without a command drops the command that was
/// for the other one, as docker does with an image's.
JobSpec overlay(JobSpec base, const JobSpec& given);

/// Takes a field away. Errors: bad_field, when there is none of this name.
Result<Done> unset_field(JobSpec& spec, std::string_view name);

/// Puts the values of `before` where the environment of `spec` says `hidden`, as answers do; it is
/// null for a new one. Errors: bad_field, naming the first variable that has none.
Result<Done> keep_hidden_values(JobSpec& spec, const JobSpec* before);

}  // namespace scheduler
