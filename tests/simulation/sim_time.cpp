#include "tests/simulation/sim_time.hpp"

#include <algorithm>

namespace scheduler::sim {

bool SimTime::run_one() {
    ring_if_due();
    while (!timers_.empty() && timers_.begin()->first.first <= clock.steady()) {
        Timer timer = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        timer.executor->post(std::move(timer.task));
    }
    constexpr std::size_t world = 1;
    std::array<SimExecutor*, std::tuple_size_v<decltype(executors())> + world> able{};
    std::size_t count = 0;
    for (SimExecutor* executor : executors())
        if (!executor->ready_.empty()) able[count++] = executor;
    bool is_event_due = !outside_.empty() && outside_.begin()->first.first <= clock.steady();
    if (is_event_due) able[count++] = nullptr;
    if (count == 0) return false;
    SimExecutor* chosen = able[random_.below(count)];
    Task task;
    if (chosen == nullptr) {
        task = std::move(outside_.begin()->second);
        outside_.erase(outside_.begin());
    } else {
        task = std::move(chosen->ready_.front());
        chosen->ready_.pop_front();
    }
    task();
    return true;
}

void SimTime::ring_if_due() {
    if (!due_timer.when() || *due_timer.when() > clock.now()) return;
    due_timer.set(std::nullopt);
    core.post([this] {
        if (on_due) on_due();
    });
}

bool SimTime::move_on(SteadyPoint until) {
    SteadyPoint next = until;
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first.first);
    if (!outside_.empty()) next = std::min(next, outside_.begin()->first.first);
    if (due_timer.when())
        next =
            std::min(next, clock.steady() + std::max(Duration(0), *due_timer.when() - clock.now()));
    if (next > clock.steady()) clock.advance(next - clock.steady());
    return next < until;
}

void SimTime::jump(Duration by) {
    clock.jump(by);
    if (!due_timer.when()) return;
    due_timer.set(std::nullopt);
    core.post([this] {
        if (on_due) on_due();
    });
}

void SimTime::drop_process() {
    due_timer.set(std::nullopt);
    on_due = {};
    // What a closure owns may post when it is destroyed.
    for (bool again = true; again;) {
        again = !timers_.empty();
        std::exchange(timers_, {}).clear();
        for (SimExecutor* executor : executors()) {
            again = again || !executor->ready_.empty();
            std::exchange(executor->ready_, {}).clear();
        }
    }
}

}  // namespace scheduler::sim
