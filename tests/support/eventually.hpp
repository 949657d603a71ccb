#pragma once
/// Waiting in tests: for a condition, with a deadline that only a failure reaches.

#include <chrono>
#include <thread>

namespace scheduler::test {

/// True as soon as the predicate holds; false when it does not within the deadline.
template <class Predicate>
bool eventually(std::chrono::milliseconds deadline, Predicate predicate) {
    auto end = std::chrono::steady_clock::now() + deadline;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// How long a test waits for what should come at once.
inline constexpr std::chrono::seconds patience{20};

}  // namespace scheduler::test
