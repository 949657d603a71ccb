#pragma once
/// The names that people give: of definitions and groups. Pure; any thread.

#include <cstddef>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

constexpr std::size_t name_bytes_max = 128;

/// Letters, digits, `_`, `.` and `-`, the first of them a letter, a digit or `_`.
bool is_name(std::string_view name);

/// `what` it names, in errors: `definition`. Errors: bad_field.
Result<Done> check_name(std::string_view what, std::string_view name);

}  // namespace scheduler
