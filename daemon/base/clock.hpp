#pragma once
/// Wall and steady time behind one small interface, so that tests own time. Any thread.

#include <chrono>

#include "common/time.hpp"

namespace scheduler {

using SteadyPoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual TimePoint now() const = 0;
    [[nodiscard]] virtual SteadyPoint steady() const = 0;
};

/// The machine's clocks. `now` is cut to milliseconds, so a job is never seen as due early.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] TimePoint now() const override {
        return std::chrono::floor<Duration>(std::chrono::system_clock::now());
    }
    [[nodiscard]] SteadyPoint steady() const override {
        return std::chrono::floor<Duration>(std::chrono::steady_clock::now());
    }
};

}  // namespace scheduler
