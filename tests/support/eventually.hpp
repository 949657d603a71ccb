#pragma once
/// Waiting in tests: for a condition, with a deadline that only a failure reaches.

#include <chrono>
#include <thread>

namespace scheduler::test {

/// True as soon as the condition holds; false when it does not within the deadline.
template <class Condition>
bool eventually(Condition condition,
                std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
    auto end = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace scheduler::test
