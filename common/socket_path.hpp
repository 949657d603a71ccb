#pragma once
/// Where the Unix socket is: what the daemon listens on and what schedctl tries, so that the two
/// find each other without a word of configuration. Pure functions of the environment and the
/// user's id, but for `of_process`. Any thread. Source: XDG Base Directory Specification 0.8 (a
/// relative path in one of its variables is invalid and ignored).

#include <string>
#include <vector>

#include <sys/types.h>

namespace scheduler {

/// What decides about the paths. Empty means unset.
struct SocketEnvironment {
    std::string socket = "";       ///< $SCHEDULERD_SOCKET
    std::string runtime_dir = "";  ///< $XDG_RUNTIME_DIR
    std::string state_home = "";   ///< $XDG_STATE_HOME
    std::string home = "";         ///< $HOME
    bool has_run_user = false;     ///< /run/user/UID is a directory

    static SocketEnvironment of_process(uid_t uid);
};

/// The system daemon's socket, which every user's schedctl tries last.
inline constexpr const char* system_socket_path = "/run/schedulerd/schedulerd.sock";

/// The state directory without `--state-dir`: root's is /var/lib/schedulerd, a user's
/// $XDG_STATE_HOME/schedulerd or ~/.local/state/schedulerd. Empty when a user has no home.
std::string default_state_dir(const SocketEnvironment& environment, uid_t uid);

/// Where a daemon without `--socket` listens: $SCHEDULERD_SOCKET; for root the system's path; for a
/// user the first of $XDG_RUNTIME_DIR, /run/user/UID (where it exists) and the state directory.
/// Empty when a user has none of them.
std::string default_socket_path(const SocketEnvironment& environment, uid_t uid);

/// Where schedctl without `--socket` looks, in order: $SCHEDULERD_SOCKET alone if it is set, else
/// the caller's own paths, then the system's. No path stands there twice; never empty.
std::vector<std::string> socket_search_path(const SocketEnvironment& environment, uid_t uid);

}  // namespace scheduler
