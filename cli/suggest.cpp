#include "cli/suggest.hpp"

#include <algorithm>
#include <numeric>

namespace scheduler {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string> closest_word(std::string_view word,
                                        const std::vector<std::string>& candidates) {
    constexpr std::size_t edits_max = 2;
    constexpr std::size_t word_bytes_max = 64;
    if (word.size() > word_bytes_max) return std::nullopt;
    std::optional<std::string> best;
    std::size_t best_distance = edits_max + 1;
    for (const std::string& candidate : candidates) {
        std::size_t distance = edit_distance(word, candidate);
        if (distance >= best_distance || 2 * distance >= candidate.size() + 1) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    auto closest = closest_word(word, candidates);
    return closest ? "; did you mean " + *closest + "?" : "";
}

}  // namespace scheduler
