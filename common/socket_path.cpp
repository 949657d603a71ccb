#include "common/socket_path.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/stat.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr const char* socket_name = "schedulerd.sock";

bool is_absolute(const std::string& path) {
    return !path.empty() && path.front() == '/';
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set by us
    return value != nullptr ? value : "";
}

std::string run_user_dir(uid_t uid) {
    return fmt::format("/run/user/{}", uid);
}

/// Where a daemon of this user may be, without the system's.
std::vector<std::string> own_paths(const SocketEnvironment& environment, uid_t uid) {
    std::vector<std::string> paths;
    if (uid == 0) paths.emplace_back(system_socket_path);
    if (uid != 0 && is_absolute(environment.runtime_dir))
        paths.push_back(fmt::format("{}/{}", environment.runtime_dir, socket_name));
    if (uid != 0 && environment.has_run_user)
        paths.push_back(fmt::format("{}/{}", run_user_dir(uid), socket_name));
    if (auto state_dir = default_state_dir(environment, uid); !state_dir.empty())
        paths.push_back(fmt::format("{}/{}", state_dir, socket_name));
    return paths;
}

}  // namespace

SocketEnvironment SocketEnvironment::of_process(uid_t uid) {
    SocketEnvironment environment{.socket = variable("SCHEDULERD_SOCKET"),
                                  .runtime_dir = variable("XDG_RUNTIME_DIR"),
                                  .state_home = variable("XDG_STATE_HOME"),
                                  .home = variable("HOME")};
    struct stat status {};
    environment.has_run_user =
        ::stat(run_user_dir(uid).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    return environment;
}

std::string default_state_dir(const SocketEnvironment& environment, uid_t uid) {
    if (uid == 0) return "/var/lib/schedulerd";
    if (is_absolute(environment.state_home)) return environment.state_home + "/schedulerd";
    if (is_absolute(environment.home)) return environment.home + "/.local/state/schedulerd";
    return "";
}

std::string default_socket_path(const SocketEnvironment& environment, uid_t uid) {
    if (!environment.socket.empty()) return environment.socket;
    auto paths = own_paths(environment, uid);
    return paths.empty() ? "" : paths.front();
}

std::vector<std::string> socket_search_path(const SocketEnvironment& environment, uid_t uid) {
    if (!environment.socket.empty()) return {environment.socket};
    std::vector<std::string> paths;
    auto add = [&](std::string path) {
        if (std::find(paths.begin(), paths.end(), path) == paths.end())
            paths.push_back(std::move(path));
    };
    for (auto& path : own_paths(environment, uid))
        add(std::move(path));
    add(system_socket_path);
    return paths;
}

}  // namespace scheduler
