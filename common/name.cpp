#include "common/name.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/characters.hpp"

namespace scheduler {

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max &&
           (is_letter_or_digit(name.front()) || name.front() == '_') &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
           });
}

Result<Done> check_name(std::string_view what, std::string_view name) {
    if (is_name(name)) return Done{};
    if (name.size() > name_bytes_max)
        return fail(
            ErrorCode::bad_field,
            fmt::format("the name of a {} is longer than {} characters", what, name_bytes_max));
    return fail(ErrorCode::bad_field,
                fmt::format("name \"{}\" can't be a {}'s: letters, digits, _, . and -, the first "
                            "of them a letter, a digit or _",
                            name,
                            what));
}

}  // namespace scheduler
