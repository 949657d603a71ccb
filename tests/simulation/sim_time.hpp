#pragma once
/// Time and threads of a simulation, in one thread: a clock that jumps, executors that stand for
/// threads, and the events of the world outside the daemon. Closures of one executor run in order;
/// which executor goes next is up to the seed. What belongs to a daemon's process is dropped when
/// it crashes; the world goes on.

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <utility>

#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/wall_timer.hpp"

namespace scheduler::sim {

using namespace std::chrono_literals;

/// One stream of randomness, begun anew for each step, so that a step that is left out changes
/// little of the others.
class Random {
  public:
    void seed(std::uint64_t value) { engine_.seed(value); }
    std::uint64_t next() { return engine_(); }
    /// 0 to n − 1.
    std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : engine_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }
    Duration between(Duration least, Duration most) {
        return least + Duration(below(static_cast<std::uint64_t>((most - least).count()) + 1));
    }

  private:
    std::mt19937_64 engine_;
};

class SimClock final : public Clock {
  public:
    [[nodiscard]] TimePoint now() const override { return wall_; }
    [[nodiscard]] SteadyPoint steady() const override { return steady_; }
    void advance(Duration by) {
        wall_ += by;
        steady_ += by;
    }
    /// The wall clock alone: it was set, or the machine slept.
    void jump(Duration by) { wall_ += by; }

  private:
    TimePoint wall_{std::chrono::sys_days(std::chrono::year(2027) / 6 / 20)};
    SteadyPoint steady_{Duration(1'000'000)};
};

class SimTime;

/// One thread of the daemon.
class SimExecutor final : public Executor {
  public:
    explicit SimExecutor(SimTime& time) : time_(time) {}
    void post(Task task) override { ready_.push_back(std::move(task)); }
    void post_after(Duration delay, Task task) override;

  private:
    friend class SimTime;
    SimTime& time_;
    std::deque<Task> ready_;
};

class SimWallTimer final : public WallTimer {
  public:
    void set(std::optional<TimePoint> when) override { when_ = when; }
    [[nodiscard]] std::optional<TimePoint> when() const { return when_; }

  private:
    std::optional<TimePoint> when_;
};

class SimTime {
  public:
    explicit SimTime(Random& random) : random_(random) {}

    SimClock clock;
    SimExecutor core{*this};
    SimExecutor disk{*this};
    SimExecutor commits{*this};
    SimExecutor front{*this};
    SimExecutor checkpoints{*this};
    SimWallTimer due_timer;
    UniqueFunction<void()> on_due;  ///< the daemon's end of the due timer

    /// An event of the world outside: it survives the daemon.
    void after(Duration delay, Task task) {
        outside_.emplace(std::pair(clock.steady() + delay, order_++), std::move(task));
    }
    /// Runs one closure, if one is ready at this moment.
    bool run_one();
    /// Moves on to the next moment at which something happens; false: nothing does before `until`.
    bool move_on(SteadyPoint until);
    /// The wall clock is set: the due timer rings, whatever it was set to.
    void jump(Duration by);
    /// The daemon's process is gone, with all that its threads were to do.
    void drop_process();

  private:
    friend class SimExecutor;
    /// The daemon's threads.
    std::array<SimExecutor*, 5> executors() {
        return {&core, &disk, &commits, &front, &checkpoints};
    }
    struct Timer {
        SimExecutor* executor;
        Task task;
    };
    using Place = std::pair<SteadyPoint, std::uint64_t>;

    void ring_if_due();

    Random& random_;
    std::uint64_t order_ = 0;
    std::map<Place, Timer> timers_;
    std::map<Place, Task> outside_;
};

inline void SimExecutor::post_after(Duration delay, Task task) {
    time_.timers_.emplace(std::pair(time_.clock.steady() + delay, time_.order_++),
                          SimTime::Timer{this, std::move(task)});
}

}  // namespace scheduler::sim
