#include "cli/connect.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

std::string group_name(gid_t gid) {
    group entry{};
    group* found = nullptr;
    std::string buffer(16 * 1024, '\0');
    if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return found->gr_name;
    return fmt::format("with the number {}", gid);
}

/// The socket itself, or else the nearest folder above it that stat(2) can see.
std::optional<std::pair<std::string, struct stat>> nearest_visible(std::string path) {
    for (;;) {
        struct stat status {};
        if (::stat(path.c_str(), &status) == 0) return std::pair(path, status);
        auto slash = path.rfind('/');
        if (slash == std::string::npos || slash == 0) return std::nullopt;
        path.erase(slash);
    }
}

std::string explain_denied(const std::string& path) {
    auto visible = nearest_visible(path);
    if (!visible) return "permission denied";
    const auto& [place, status] = *visible;
    bool group_may = (status.st_mode & (S_ISDIR(status.st_mode) ? S_IXGRP : S_IWGRP)) != 0;
    std::string what = place == path ? "permission denied" : "permission denied by " + place;
    if (!group_may) return fmt::format("{}: it is for user {} alone", what, status.st_uid);
    if (status.st_gid == 0)
        return fmt::format("{}: it is root's (use sudo, or give schedulerd a --socket-group)",
                           what);
    std::string group = group_name(status.st_gid);
    return fmt::format("{}: it is for group {} (as root: usermod -aG {} $USER, then log in again)",
                       what,
                       group,
                       group);
}

std::string explain(int error, const std::string& path) {
    switch (error) {
        case ENOENT:
        case ENOTDIR:
            return "no such file";
        case EACCES:
        case EPERM:
            return explain_denied(path);
        case ECONNREFUSED: {
            struct stat status {};
            if (::stat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
                return "it is not a socket";
            return "not running: nothing listens there";
        }
        case EAGAIN:
            return fmt::format(
                "a daemon is there and has taken no connection for {} s: it hangs or is stopped; "
                "see "
                "its log, or restart it",
                send_wait_max.count());
        default:
            return std::generic_category().message(error);
    }
}

}  // namespace

Result<UniqueFd, ConnectFailure> connect_unix(const std::string& path) {
    auto failed = [&](std::string reason) { return fail(ConnectFailure{path, std::move(reason)}); };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty()) return failed("the path is empty");
    if (path.size() >= sizeof address.sun_path)
        return failed(fmt::format("the path is longer than {} bytes", sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());

    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) return failed(std::generic_category().message(errno));
    timeval wait_max{send_wait_max.count(), 0};
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait_max, sizeof wait_max) != 0)
        return failed(std::generic_category().message(errno));
    int result = 0;
    do {
        result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return failed(explain(errno, path));
    return fd;
}

std::string explain_unreachable(const std::vector<ConnectFailure>& failures) {
    std::string text = "no daemon answers; tried:";
    for (const auto& [path, reason] : failures)
        text += fmt::format("\n  {}: {}", path, reason);
    text += "\nStart one with `schedulerd`, or the system's with `systemctl start schedulerd`.";
    return text;
}

}  // namespace scheduler
