#pragma once
/// Header values with parameters: `multipart/form-data; Boundary="a b"`,
/// `form-data; name=job_name`. Source: RFC 9110 sections 5.6.4 and 5.6.6. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

struct ParameterizedValue {
    std::string value;  ///< what stands before the parameters, in lower case
    std::vector<std::pair<std::string, std::string>> parameters;  ///< names in lower case

    /// Null when there is none of this lower-case name.
    [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// A value of a parameter is a token or a quoted string. Errors: bad_request with what is wrong
/// (also for a name that is given twice).
Result<ParameterizedValue> parse_parameters(std::string_view text);

}  // namespace scheduler
