#pragma once
/// What a job runs. Names are docker's where docker has one.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time.hpp"

namespace scheduler {

/// Named limits of a specification, each tested at n and n + 1.
struct SpecLimits {
    static constexpr std::size_t job_name_bytes = 512;
    static constexpr std::size_t image_bytes = 512;
    static constexpr std::size_t command_words = 1024;
    static constexpr std::size_t env_variables = 1024;
    /// Command and environment together, as execve(2) would count them; below its 128 KiB for one
    /// string.
    static constexpr std::size_t text_bytes = 128 * 1024;
};

/// What reads instead of an environment value in every answer and log line.
inline constexpr std::string_view hidden_value = "hidden";

struct JobSpec {
    std::optional<std::string> image;
    std::vector<std::string> command;
    std::map<std::string, std::string> env;
    std::optional<Span> timeout;

    bool operator==(const JobSpec&) const = default;

    static void fields(auto& self, auto& visit) {
        visit("image", self.image, "image reference; without it job_name is the image");
        visit("command", self.command, "words of the command, one a field or array element");
        visit("env", self.env, "environment variables; values read `hidden` in answers");
        visit("timeout",
              self.timeout,
              "stop it this long after its start (30s, 2m, 1h, 4d): timed_out");
    }
};

/// Fields of the specification that this version knows by name but can't do yet: they are refused
/// as such, so that no limit is dropped silently.
bool is_future_spec_field(std::string_view name);

/// Checks what types can't say. Errors: bad_field, too_large.
Result<Done> check_spec(const JobSpec& spec);

/// The same with each environment value replaced by `hidden`.
JobSpec hide_values(JobSpec spec);

}  // namespace scheduler
