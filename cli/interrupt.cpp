#include "cli/interrupt.hpp"

#include <sys/signalfd.h>

namespace scheduler {

InterruptWatch::InterruptWatch() {
    struct sigaction action {};
    ::sigaction(SIGINT, nullptr, &action);
    sigset_t mask;
    ::sigemptyset(&mask);
    if (action.sa_handler != SIG_IGN) ::sigaddset(&mask, SIGINT);
    ::sigprocmask(SIG_BLOCK, &mask, &old_mask_);
    if (action.sa_handler != SIG_IGN) fd_ = UniqueFd(::signalfd(-1, &mask, SFD_CLOEXEC));
}

InterruptWatch::~InterruptWatch() {
    sigset_t pending;
    ::sigpending(&pending);
    // Unblocking a pending SIGINT would end the process before it has said its last word.
    if (::sigismember(&pending, SIGINT) == 0) ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

}  // namespace scheduler
