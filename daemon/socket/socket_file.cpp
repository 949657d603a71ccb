#include "daemon/socket/socket_file.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr int backlog = 1024;
constexpr const char* default_group = "schedulerd";
constexpr const char* system_directory = "/run/schedulerd";

std::string reason(int error_number) {
    return std::generic_category().message(error_number);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

/// bind(2) and connect(2) take any family's address by this type.
const sockaddr* any_address(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

UniqueFd make_socket() {
    return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// The group that may connect; nothing: the daemon's own. Errors: bad_field.
Result<std::optional<gid_t>> find_group(const std::string& wanted) {
    const std::string name = wanted.empty() ? default_group : wanted;
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(1024);
    int error = 0;
    while ((error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) ==
           ERANGE)
        buffer.resize(buffer.size() * 2);
    if (found != nullptr) return std::optional(entry.gr_gid);
    if (wanted.empty()) return std::optional<gid_t>();
    return fail(ErrorCode::bad_field,
                fmt::format("there is no group \"{0}\" for --socket-group; create it (groupadd "
                            "--system {0}) or name "
                            "another",
                            name));
}

/// Makes the directories that are the daemon's own to make; the user's must be there.
Result<Done> make_parent(const SocketPlace& place) {
    auto parent = std::filesystem::path(place.path).parent_path().string();
    mode_t mode = parent == place.state_dir ? 0700 : 0755;
    if (parent == place.state_dir || parent == system_directory)
        if (::mkdir(parent.c_str(), mode) < 0 && errno != EEXIST)
            return fail(ErrorCode::unavailable,
                        fmt::format("can't make the directory {} for the socket: {}; choose "
                                    "another place with --socket",
                                    parent,
                                    reason(errno)));
    if (struct stat status{}; ::stat(parent.c_str(), &status) < 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("can't use the directory {} for the socket: {}; create it or "
                                "choose another place with "
                                "--socket",
                                parent,
                                reason(errno)));
    return Done{};
}

/// Held from the look at an old file until ours listens, so that of two daemons that start together
/// the second one finds the first. Whoever can't have it in two seconds goes on without.
UniqueFd lock_parent(const std::string& path) {
    auto parent = std::filesystem::path(path).parent_path();
    UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (directory.is_open() && ::flock(directory.get(), LOCK_EX | LOCK_NB) < 0 &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return directory;
}

/// Removes a file that a dead daemon left.
Result<Done> clear_path(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0) {
        if (errno == ENOENT) return Done{};
        return fail(ErrorCode::unavailable,
                    fmt::format("can't look at {}: {}", path, reason(errno)));
    }
    if (!S_ISSOCK(status.st_mode))
        return fail(
            ErrorCode::unavailable,
            fmt::format("{} exists and is no socket; remove it or choose another with --socket",
                        path));
    auto address = address_of(path);
    UniqueFd probe = make_socket();
    if (probe.is_open() && ::connect(probe.get(), any_address(address), sizeof address) < 0) {
        if (errno == ENOENT) return Done{};
        if (errno == ECONNREFUSED) {
            if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Done{};
            return fail(
                ErrorCode::unavailable,
                fmt::format("can't remove {}, which a dead daemon left: {}", path, reason(errno)));
        }
        if (errno == EACCES)
            return fail(
                ErrorCode::unavailable,
                fmt::format("{} belongs to another user's daemon: {}; choose another with --socket",
                            path,
                            reason(errno)));
    }
    return fail(
        ErrorCode::unavailable,
        fmt::format("another daemon listens on {}; stop it or choose another socket with --socket",
                    path));
}

/// Opens the bound socket to its group. Only a group that was asked for by name must be granted.
Result<Done> set_access(const SocketPlace& place, std::optional<gid_t> group) {
    if (group && ::lchown(place.path.c_str(), static_cast<uid_t>(-1), *group) < 0 &&
        !place.group.empty())
        return fail(
            ErrorCode::unavailable,
            fmt::format(
                "can't give {} to the group \"{}\": {}; the daemon must be root or a member of it",
                place.path,
                place.group,
                reason(errno)));
    if (::chmod(place.path.c_str(), 0660) < 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("can't set the mode of {}: {}", place.path, reason(errno)));
    return Done{};
}

}  // namespace

Result<SocketFile> SocketFile::bind(const SocketPlace& place) {
    const std::string& path = place.path;
    if (path.size() > SocketPlace::path_bytes_max)
        return fail(ErrorCode::bad_field,
                    fmt::format("the socket's path is {} bytes long and the system takes {} at "
                                "most: {}; choose a shorter "
                                "one with --socket",
                                path.size(),
                                SocketPlace::path_bytes_max,
                                path));
    auto group = find_group(place.group);
    if (!group) return fail(group.error());
    if (auto made = make_parent(place); !made) return fail(made.error());
    UniqueFd lock = lock_parent(path);
    if (auto cleared = clear_path(path); !cleared) return fail(cleared.error());

    UniqueFd listener = make_socket();
    if (!listener.is_open())
        return fail(ErrorCode::unavailable, fmt::format("can't make a socket: {}", reason(errno)));
    auto address = address_of(path);
    if (::fchmod(listener.get(), 0600) < 0 ||
        ::bind(listener.get(), any_address(address), sizeof address) < 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("can't listen on {}: {}; choose another socket with --socket",
                                path,
                                reason(errno)));
    SocketFile file(std::move(listener), path);  // from here on it is removed if something fails
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) {
        file.device_ = status.st_dev;
        file.inode_ = status.st_ino;
    }
    if (auto set = set_access(place, *group); !set) return fail(set.error());
    if (::listen(file.listener_.get(), backlog) < 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("can't listen on {}: {}", path, reason(errno)));
    return file;
}

SocketFile::~SocketFile() {
    struct stat status {};
    if (path_.empty() || ::lstat(path_.c_str(), &status) < 0) return;
    if (status.st_dev == device_ && status.st_ino == inode_) (void)::unlink(path_.c_str());
}

}  // namespace scheduler
