#pragma once
/// Enumerations whose values are words, by `std::string_view to_string(Enum)`. Pure; any thread.

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

/// `failed, timed_out`
template <class Values>
std::string words_of(const Values& values) {
    std::string words;
    for (auto value : values) {
        if (!words.empty()) words += ", ";
        words += to_string(value);
    }
    return words;
}

/// `what` names the value in the error: `status`. Errors: bad_field, naming the words that are
/// allowed.
template <class Values>
Result<typename Values::value_type> parse_word(std::string_view word,
                                               std::string_view what,
                                               const Values& values) {
    for (auto value : values)
        if (to_string(value) == word) return value;
    return fail(ErrorCode::bad_field,
                std::string(what) + " \"" + std::string(word.substr(0, 64)) + "\" is not one of " +
                    words_of(values));
}

}  // namespace scheduler
