#pragma once
/// Figures of a benchmark: one value a round, and what is said about them. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace scheduler::bench {

/// One value a round.
class Figures {
  public:
    void add(double value) { values_.push_back(value); }
    [[nodiscard]] const std::vector<double>& values() const { return values_; }
    [[nodiscard]] bool empty() const { return values_.empty(); }
    /// Of no values: 0.
    [[nodiscard]] double median() const;
    [[nodiscard]] double min() const;
    [[nodiscard]] double max() const;

  private:
    std::vector<double> values_;
};

/// Ours by the peer's, round by round, as both were measured next to each other.
Figures ratios(const Figures& ours, const Figures& peer);

/// The value below which this part (0 to 1) of the samples lies; 0 of none.
double quantile(std::vector<float> samples, double part);

/// What a row is held to.
struct Target {
    enum class Kind { none, ratio_at_least, ratio_at_most, ours_at_most };
    Kind kind = Kind::none;
    double value = 0;

    static Target ratio_at_least(double value) { return {Kind::ratio_at_least, value}; }
    static Target ratio_at_most(double value) { return {Kind::ratio_at_most, value}; }
    static Target ours_at_most(double value) { return {Kind::ours_at_most, value}; }
    [[nodiscard]] std::string to_string() const;
};

/// One line of the table.
struct Row {
    std::string id;         ///< `post_sequential`
    std::string what;       ///< for people
    std::string unit = {};  ///< `jobs/s`
    std::string peer = {};  ///< what stands beside it; empty: nothing
    Target target = {};
    Figures ours = {};
    Figures theirs = {};
    std::string note = {};  ///< why there is no figure, or what else was seen

    double load_average = 0;  ///< of the machine when the row was done; set by the report

    /// Nothing where there is no target, or no figure to hold against it.
    [[nodiscard]] std::optional<bool> is_met() const;
};

/// As people read it, in three digits: `155k`, `36.0k`, `1,234`, `1.23`, `0.0045`.
std::string show(double value);
/// Exactly: `1,000,000`.
std::string show_count(std::int64_t count);

}  // namespace scheduler::bench
