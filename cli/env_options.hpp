#pragma once
/// The environment of a job from `-e` and `--env-file`, as docker reads them.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

/// What a variable is in the caller's environment.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

struct JobEnvironment {
    std::map<std::string, std::string> values;
    std::vector<std::string>
        unset;  ///< named without a value, and not set in the caller's environment
};

/// Adds `NAME=VALUE`, or `NAME` with the caller's value; a later one wins. Errors: bad_field.
Result<Done> add_variable(JobEnvironment& environment,
                          const std::string& text,
                          const EnvironmentLookup& lookup);

/// Adds the lines of a file's text: as above, without empty lines and those that begin with `#`.
/// `name` is for the errors. Errors: bad_field with the line's number.
Result<Done> add_variables_of(JobEnvironment& environment,
                              const std::string& text,
                              const std::string& name,
                              const EnvironmentLookup& lookup);

/// The text of a file that `option` names (`-`: standard input), of at most 1 MiB. Errors:
/// bad_field.
Result<std::string> read_small_file(std::string_view option, const std::string& path);

}  // namespace scheduler
