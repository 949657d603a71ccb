#include "daemon/state_dir.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

Failure<Error> unusable(const std::filesystem::path& path, int error) {
    return fail(ErrorCode::internal,
                fmt::format("the state directory {} can't be used: {}; make it writable for this "
                            "user, or give another "
                            "--state-dir",
                            path.native(),
                            reason(error)));
}

/// mkdir -p: parents as the umask says, the directory itself private.
int make_directories(const std::filesystem::path& path) {
    std::error_code error;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (error) return error.value();
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno;
    return 0;
}

std::string read_pid(int fd) {
    char text[32] = {};
    auto size = ::pread(fd, text, sizeof text - 1, 0);
    std::string pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!pid.empty() && pid.back() == '\n')
        pid.pop_back();
    return pid.empty() ? "unknown" : pid;
}

bool write_pid(int fd) {
    std::string pid = fmt::format("{}\n", ::getpid());
    return ::ftruncate(fd, 0) == 0 &&
           ::pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

}  // namespace

Result<StateDir> StateDir::open(const std::filesystem::path& path) {
    if (int error = make_directories(path); error != 0) return unusable(path, error);
    // Output and environment values lie here in clear. A directory that someone else owns is left
    // as it is, and shows as unusable when the lock file can't be made.
    (void)::chmod(path.c_str(), 0700);
    UniqueFd lock(::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.is_open()) return unusable(path, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return unusable(path, errno);
        return fail(
            ErrorCode::internal,
            fmt::format(
                "another schedulerd (pid {}) uses the state directory {}; stop it, or give another "
                "--state-dir",
                read_pid(lock.get()),
                path.native()));
    }
    // The pid is for people, and a disk that is full now is none for ever.
    if (!write_pid(lock.get()) && errno != ENOSPC && errno != EDQUOT) return unusable(path, errno);
    StateDir opened(path, std::move(lock));
    // On a disk that is full now it is made another time; a backup has no room there either.
    (void)::mkdir(opened.backups().c_str(), 0700);
    return opened;
}

}  // namespace scheduler
