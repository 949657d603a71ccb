#pragma once
/// "Did you mean": the word that someone probably wanted to type. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scheduler {

/// The candidate that is fewest edits away (Levenshtein), at most 2 and fewer than half its
/// letters; the first of equals.
std::optional<std::string> closest_word(std::string_view word,
                                        const std::vector<std::string>& candidates);

/// `; did you mean X?`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace scheduler
