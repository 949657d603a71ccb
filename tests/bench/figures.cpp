#include "tests/bench/figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace scheduler::bench {
double Figures::median() const {
    if (values_.empty()) return 0;
    auto sorted = values_;
    std::sort(sorted.begin(), sorted.end());
    std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Figures::min() const {
    return values_.empty() ? 0 : *std::min_element(values_.begin(), values_.end());
}

double Figures::max() const {
    return values_.empty() ? 0 : *std::max_element(values_.begin(), values_.end());
}

Figures ratios(const Figures& ours, const Figures& peer) {
    Figures result;
    std::size_t rounds = std::min(ours.values().size(), peer.values().size());
    for (std::size_t i = 0; i < rounds; ++i)
        if (peer.values()[i] != 0) result.add(ours.values()[i] / peer.values()[i]);
    return result;
}

double quantile(std::vector<float> samples, double part) {
    if (samples.empty()) return 0;
    auto wanted = static_cast<std::size_t>(part * static_cast<double>(samples.size()));
    auto place =
        samples.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, samples.size() - 1));
    std::nth_element(samples.begin(), place, samples.end());
    return static_cast<double>(*place);
}

std::string Target::to_string() const {
    switch (kind) {
        case Kind::ratio_at_least:
            return fmt::format(">= {:g}x", value);
        case Kind::ratio_at_most:
            return fmt::format("<= {:g}x", value);
        case Kind::ours_at_most:
            return fmt::format("<= {:g}", value);
        case Kind::none:
            break;
    }
    return "";
}

std::optional<bool> Row::is_met() const {
    if (ours.empty() || target.kind == Target::Kind::none) return std::nullopt;
    if (target.kind == Target::Kind::ours_at_most) return ours.median() <= target.value;
    Figures ratio = ratios(ours, theirs);
    if (ratio.empty()) return std::nullopt;
    return target.kind == Target::Kind::ratio_at_least ? ratio.median() >= target.value
                                                       : ratio.median() <= target.value;
}

std::string show_count(std::int64_t count) {
    std::string text = std::to_string(std::abs(count));
    for (std::size_t left = text.size(); left > 3; left -= 3)
        text.insert(left - 3, ",");
    return count < 0 ? '-' + text : text;
}

std::string show(double value) {
    double size = std::abs(value);
    if (size >= 99'950) return show_count(std::llround(value / 1000)) + 'k';
    if (size >= 9'999.5) return fmt::format("{:.1f}k", value / 1000);
    if (size >= 100) return show_count(std::llround(value));
    if (size >= 10) return fmt::format("{:.1f}", value);
    if (size >= 0.1 || size == 0) return fmt::format("{:.2f}", value);
    return fmt::format("{:.2g}", value);
}

}  // namespace scheduler::bench
