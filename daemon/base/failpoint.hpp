#pragma once
/// failpoint("name") marks a line at which tests kill the daemon: the process ends by SIGKILL when
/// the environment variable SCHEDULERD_FAILPOINT is that name, as if the machine had stopped there.
/// Compiled in with -DSCHEDULER_FAILPOINTS=ON only; otherwise it is nothing. Any thread.

#ifdef SCHEDULER_FAILPOINTS
#include <csignal>
#include <cstdlib>
#include <string_view>
#endif

namespace scheduler {

#ifdef SCHEDULER_FAILPOINTS
inline void failpoint(std::string_view name) {
    static const char* const wanted = std::getenv("SCHEDULERD_FAILPOINT");
    if (wanted != nullptr && name == wanted) (void)std::raise(SIGKILL);
}
#else
constexpr void failpoint(const char*) {}
#endif

}  // namespace scheduler
