#pragma once
/// A value that one thread publishes and any thread reads a copy of.

#include <mutex>
#include <utility>

namespace scheduler {

template <class T>
class Published {
  public:
    explicit Published(T value = {}) : value_(std::move(value)) {}
    void set(T value) {
        std::lock_guard lock(mutex_);
        value_ = std::move(value);
    }
    [[nodiscard]] T get() const {
        std::lock_guard lock(mutex_);
        return value_;
    }

  private:
    mutable std::mutex mutex_;
    T value_;
};

}  // namespace scheduler
