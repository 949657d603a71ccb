#include "daemon/spool/file.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace scheduler::spool_file {
namespace {

/// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR)
        result = call();
    return result;
}

}  // namespace

Failure<Error> failure(std::string_view doing, const Path& path, int error_number) {
    auto reason = std::generic_category().message(error_number);
    if (error_number == ENOSPC || error_number == EDQUOT)
        return fail(
            ErrorCode::disk_full,
            fmt::format("can't {} {}: {}; free some space there", doing, path.string(), reason));
    return fail(ErrorCode::internal, fmt::format("can't {} {}: {}", doing, path.string(), reason));
}

Result<UniqueFd> open_to_read(const Path& path) {
    UniqueFd fd(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (!fd.is_open() && errno != ENOENT) return failure("open", path, errno);
    return fd;
}

Result<UniqueFd> create(const Path& path) {
    if (auto removed = remove_file(path); !removed) return fail(removed.error());
    UniqueFd fd(uninterrupted([&] {
        return ::open(
            path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    }));
    if (!fd.is_open()) return failure("create", path, errno);
    return fd;
}

Result<std::size_t> read_at(
    int fd, const Path& path, char* bytes, std::size_t size, std::uint64_t offset) {
    std::size_t got = 0;
    while (got < size) {
        auto count = uninterrupted(
            [&] { return ::pread(fd, bytes + got, size - got, static_cast<off_t>(offset + got)); });
        if (count < 0) return failure("read", path, errno);
        if (count == 0) break;
        got += static_cast<std::size_t>(count);
    }
    return got;
}

Result<Done> write_all(int fd, const Path& path, std::string_view bytes) {
    while (!bytes.empty()) {
        auto count = uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
        if (count < 0) return failure("write to", path, errno);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return Done{};
}

Result<Done> truncate(int fd, const Path& path, std::uint64_t size) {
    if (uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }) < 0)
        return failure("cut", path, errno);
    return Done{};
}

Result<Done> sync(int fd, const Path& path) {
    if (uninterrupted([&] { return ::fsync(fd); }) < 0) return failure("sync", path, errno);
    return Done{};
}

Result<Done> sync_directory(const Path& path) {
    UniqueFd fd(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!fd.is_open()) return failure("open", path, errno);
    return sync(fd.get(), path);
}

Result<Done> rename_file(const Path& from, const Path& to) {
    if (::rename(from.c_str(), to.c_str()) < 0) return failure("rename", from, errno);
    return Done{};
}

Result<Done> remove_file(const Path& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return failure("remove", path, errno);
    return Done{};
}

Result<Done> make_directories(const Path& path) {
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_directory(path.parent_path());
    if (errno == EEXIST) return Done{};
    if (errno != ENOENT || !path.has_relative_path())
        return failure("make the directory", path, errno);
    if (auto above = make_directories(path.parent_path()); !above) return above;
    return make_directories(path);
}

}  // namespace scheduler::spool_file
