#pragma once
/// ReadGate holds back whoever reads a stream, while the one that takes what was read can't follow.
/// Shared by the two. Lives on the core.

#include <utility>

#include "daemon/base/unique_function.hpp"

namespace scheduler {

class ReadGate {
  public:
    [[nodiscard]] bool is_open() const { return is_open_; }
    void close() { is_open_ = false; }
    void open() {
        is_open_ = true;
        if (auto then = std::exchange(then_, {})) then();
    }
    /// Calls back once, when it opens.
    void when_open(UniqueFunction<void()> then) { then_ = std::move(then); }

  private:
    bool is_open_ = true;
    UniqueFunction<void()> then_;
};

}  // namespace scheduler
