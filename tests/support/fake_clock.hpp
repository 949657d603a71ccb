#pragma once
/// A clock that stands still until the test moves it.

#include <atomic>

#include "daemon/base/clock.hpp"

namespace scheduler {

class FakeClock final : public Clock {
  public:
    explicit FakeClock(TimePoint start = TimePoint(std::chrono::sys_days(std::chrono::year(2027) /
                                                                         6 / 20)))
        : wall_(start) {}

    [[nodiscard]] TimePoint now() const override { return wall_.load(); }
    [[nodiscard]] SteadyPoint steady() const override { return steady_.load(); }

    /// Time passes on both clocks.
    void advance(Duration by) {
        wall_ = wall_.load() + by;
        steady_ = steady_.load() + by;
    }
    /// The wall clock is set.
    void set(TimePoint at) { wall_ = at; }

  private:
    std::atomic<TimePoint> wall_;
    std::atomic<SteadyPoint> steady_{};
};

}  // namespace scheduler
