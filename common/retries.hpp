#pragma once
/// Whether and when a job is tried again after an attempt of it. Pure; any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/fields.hpp"
#include "common/time.hpp"

namespace scheduler {

enum class Backoff : std::uint8_t {
    fixed,        ///< each wait is as long as the first
    exponential,  ///< each is twice as long as the one before
};
inline constexpr std::array backoffs{Backoff::fixed, Backoff::exponential};
std::string_view to_string(Backoff backoff);
/// Errors: bad_field.
Result<Backoff> parse_backoff(std::string_view word);
template <>
struct TextTraits<Backoff> : WordTraits<Backoff, parse_backoff> {};

struct Retries {
    static constexpr std::int64_t max_max = 100;
    static constexpr Duration delay_min = std::chrono::seconds(1);
    static constexpr Duration default_delay = std::chrono::seconds(10);
    static constexpr Duration default_max_delay = std::chrono::hours(1);
    /// What may be tried again. What is lost may have run to its end, so it must be asked for.
    static constexpr std::array retriable{
        FinishStatus::failed, FinishStatus::timed_out, FinishStatus::lost};
    static constexpr std::array default_on{FinishStatus::failed, FinishStatus::timed_out};

    std::int64_t max = 0;
    std::optional<Span> delay;
    std::optional<Backoff> backoff;
    std::optional<Span> max_delay;
    std::vector<FinishStatus> on;

    bool operator==(const Retries&) const = default;

    static void fields(auto& self, auto& visit) {
        visit("max", self.max, "how often it is tried again, 0 to 100");
        visit("delay",
              self.delay,
              "from an attempt's end to the next one, 1s or more; 10s if absent");
        visit(
            "backoff", self.backoff, "fixed (if absent) or exponential: each wait twice the last");
        visit("max_delay", self.max_delay, "the longest wait of exponential; 1h if absent");
        visit("on", self.on, "of failed, timed_out, lost; failed and timed_out if absent or empty");
    }

    [[nodiscard]] bool covers(FinishStatus end) const;
    [[nodiscard]] Duration first_wait() const;
    /// Of exponential waits.
    [[nodiscard]] Duration longest_wait() const;
    /// From the end of attempt `attempt` (from 1) to the next one, without jitter; nothing where
    /// no attempt follows one that ended so.
    [[nodiscard]] std::optional<Duration> wait_after(std::int64_t attempt, FinishStatus end) const;
    /// `3, 10s apart`, `3, 10s apart and doubled up to 1h, on failed, lost`.
    [[nodiscard]] std::string to_words() const;
};

/// Errors: bad_field.
Result<Done> check_retries(const Retries& retries);

}  // namespace scheduler
