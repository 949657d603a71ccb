#pragma once
/// InterruptWatch turns Ctrl-C into a readable descriptor while it lives, so that a wait ends with
/// a word about the job instead of the process just dying. SIGINT is blocked meanwhile; it stays
/// blocked afterwards only if it came. A process that was started with SIGINT ignored keeps
/// ignoring it. One at a time, on the main thread. Source: signalfd(2).

#include <signal.h>

#include "common/unique_fd.hpp"

namespace scheduler {

class InterruptWatch {
  public:
    InterruptWatch();
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    /// Readable once Ctrl-C was pressed; -1 when it is ignored.
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    UniqueFd fd_;
    sigset_t old_mask_{};
};

}  // namespace scheduler
