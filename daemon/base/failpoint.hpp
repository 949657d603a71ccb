#pragma once
/// failpoint("name") marks a line at which tests kill the daemon: the process ends by SIGKILL when
/// the environment variable SCHEDULERD_FAILPOINT is that name, as if the machine had stopped there.
/// mutated("name") is a bug that was planted on purpose: true when the simulation asks for it, so
/// that its checks can be seen to fail (docs/robustness.md has the table).
/// Both are compiled in with -DSCHEDULER_FAILPOINTS=ON only; otherwise they are nothing. Any
/// thread.

#ifdef SCHEDULER_FAILPOINTS
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#endif

namespace scheduler {

#ifdef SCHEDULER_FAILPOINTS
inline void failpoint(std::string_view name) {
    static const char* const wanted = std::getenv("SCHEDULERD_FAILPOINT");
    if (wanted != nullptr && name == wanted) (void)std::raise(SIGKILL);
}
/// Set by the simulation, before anything runs.
inline std::string mutation;
inline bool mutation_was_reached = false;
inline bool mutated(std::string_view name) {
    if (mutation != name) return false;
    mutation_was_reached = true;
    return true;
}
#else
constexpr void failpoint(const char*) {}
constexpr bool mutated(const char*) {
    return false;
}
#endif

}  // namespace scheduler
