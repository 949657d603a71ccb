#pragma once
/// WallTimer rings when the wall clock reaches a moment, and when the clock was set, so that
/// whoever set it looks at the clock again. It never rings before the moment unless the clock was
/// set. It lives on the core, where `on_ring` is called. Source: timerfd_create(2),
/// TFD_TIMER_CANCEL_ON_SET.

#include <memory>
#include <optional>

#include "common/time.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/base/unique_function.hpp"

namespace scheduler {

class WallTimer {
  public:
    virtual ~WallTimer() = default;
    /// Rings once, at `when`; at once if that has passed. It replaces what was set before; nothing:
    /// off.
    virtual void set(std::optional<TimePoint> when) = 0;
};

class TimerFdWallTimer final : public WallTimer {
  public:
    /// The loop outlives the timer. Throws std::system_error where no timerfd can be had.
    TimerFdWallTimer(asio::io_context& core, UniqueFunction<void()> on_ring);
    TimerFdWallTimer(const TimerFdWallTimer&) = delete;
    TimerFdWallTimer& operator=(const TimerFdWallTimer&) = delete;
    ~TimerFdWallTimer() override;

    void set(std::optional<TimePoint> when) override;

  private:
    /// Shared with the wait under way, which may come back when the timer is gone.
    struct Alarm;
    std::shared_ptr<Alarm> alarm_;
};

}  // namespace scheduler
