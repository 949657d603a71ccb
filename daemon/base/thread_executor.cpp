#include "daemon/base/thread_executor.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <tuple>

#include <pthread.h>
#include <sys/resource.h>

#include "daemon/base/log.hpp"

namespace scheduler {

ThreadExecutor::ThreadExecutor(std::string name, Priority priority)
    : name_(std::move(name)), thread_([this, priority] {
          // Where it is refused, the thread is a little in the way, and nothing else changes.
          if (priority == Priority::background) (void)::setpriority(PRIO_PROCESS, 0, 19);
          run();
      }) {}

ThreadExecutor::~ThreadExecutor() {
    stop();
}

void ThreadExecutor::stop() {
    if (!thread_.joinable()) return;
    assert(!is_here());
    {
        std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void ThreadExecutor::post(Task task) {
    {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(task));
    }
    wake_.notify_one();
}

void ThreadExecutor::post_after(Duration delay, Task task) {
    auto at = std::chrono::steady_clock::now() + delay;
    {
        std::lock_guard lock(mutex_);
        timers_.push_back({at, timers_set_++, std::move(task)});
        std::push_heap(timers_.begin(), timers_.end(), is_later);
    }
    wake_.notify_one();
}

bool ThreadExecutor::is_later(const Timer& left, const Timer& right) {
    return std::tie(left.at, left.order) > std::tie(right.at, right.order);
}

void ThreadExecutor::run() {
    // The name is for people alone: a kernel that refuses it changes nothing.
    (void)::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
    std::vector<Task> batch;
    while (take(batch)) {
        for (Task& task : batch)
            run_task(task);
        batch.clear();
    }
}

bool ThreadExecutor::take(std::vector<Task>& batch) {
    std::unique_lock lock(mutex_);
    while (true) {
        if (!closing_) move_rung_timers();
        if (!queue_.empty()) {
            batch.swap(queue_);
            return true;
        }
        if (closing_) return false;
        if (timers_.empty())
            wake_.wait(lock);
        else
            // By value: the heap may be reordered while this waits.
            wake_.wait_until(lock, std::chrono::steady_clock::time_point(timers_.front().at));
    }
}

void ThreadExecutor::move_rung_timers() {
    auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.front().at <= now) {
        std::pop_heap(timers_.begin(), timers_.end(), is_later);
        queue_.push_back(std::move(timers_.back().task));
        timers_.pop_back();
    }
}

void ThreadExecutor::run_task(Task& task) noexcept {
    try {
        // What the closure owns is released before the next one runs.
        Task running = std::move(task);
        running();
    } catch (const std::exception& error) {
        log_error("thread_failed", {{"thread", name_}, {"error", error.what()}});
        std::terminate();
    } catch (...) {
        log_error("thread_failed",
                  {{"thread", name_}, {"error", "an exception of an unknown type"}});
        std::terminate();
    }
}

}  // namespace scheduler
