#pragma once
/// An executor that the test drives: closures run in `run`, in the test's thread, timers when the
/// fake clock has reached them. Any thread may post.

#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "daemon/base/executor.hpp"
#include "tests/support/fake_clock.hpp"

namespace scheduler {

class ManualExecutor final : public Executor {
  public:
    explicit ManualExecutor(FakeClock& clock) : clock_(clock) {}

    void post(Task task) override {
        std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    void post_after(Duration delay, Task task) override {
        std::lock_guard lock(mutex_);
        timers_.emplace(clock_.steady() + delay, std::move(task));
    }

    /// Runs what was posted, and what that posts, until nothing is left to do at this moment.
    void run() {
        do {
            move_rung_timers();
            while (auto task = next_task())
                (*task)();
        } while (has_rung_timer());
    }

    /// Nothing is to be done at this moment.
    [[nodiscard]] bool is_idle() {
        std::lock_guard lock(mutex_);
        return tasks_.empty();
    }

    /// Lets time pass in steps, so that timers set timers as they would.
    void run_for(Duration length, Duration step = std::chrono::milliseconds(100)) {
        run();
        for (Duration passed{}; passed < length; passed += step) {
            clock_.advance(step);
            run();
        }
    }

  private:
    std::optional<Task> next_task() {
        std::lock_guard lock(mutex_);
        if (tasks_.empty()) return std::nullopt;
        std::optional<Task> task = std::move(tasks_.front());
        tasks_.pop_front();
        return task;
    }
    bool has_rung_timer() {
        std::lock_guard lock(mutex_);
        return !timers_.empty() && timers_.begin()->first <= clock_.steady();
    }
    void move_rung_timers() {
        std::lock_guard lock(mutex_);
        while (!timers_.empty() && timers_.begin()->first <= clock_.steady()) {
            tasks_.push_back(std::move(timers_.begin()->second));
            timers_.erase(timers_.begin());
        }
    }

    FakeClock& clock_;
    std::mutex mutex_;  ///< guards what follows
    std::deque<Task> tasks_;
    std::multimap<SteadyPoint, Task> timers_;
};

}  // namespace scheduler
