#include "daemon/store/sqlite/database_mark.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

constexpr std::size_t bytes_max = 4096;
constexpr std::string_view found = "damaged: ";

Failure<Error> failure(std::string_view doing, const std::filesystem::path& path, int error) {
    bool is_full = error == ENOSPC || error == EDQUOT;
    return fail(
        is_full ? ErrorCode::disk_full : ErrorCode::internal,
        fmt::format(
            "can't {} {}: {}", doing, path.native(), std::generic_category().message(error)));
}

bool sync_directory(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd.is_open() && ::fsync(fd.get()) == 0;
}

}  // namespace

DatabaseMark::DatabaseMark(const std::filesystem::path& database) : path_(database) {
    path_ += ".mark";
}

Result<DatabaseMark::State> DatabaseMark::read() const {
    UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) {
        if (errno == ENOENT) return State{};
        return failure("open", path_, errno);
    }
    std::string text(bytes_max, '\0');
    auto size = ::pread(fd.get(), text.data(), text.size(), 0);
    if (size < 0) return failure("read", path_, errno);
    text.resize(static_cast<std::size_t>(size));
    State state{true, ""};
    if (text.compare(0, found.size(), found) == 0) {
        auto end = std::min(text.find('\n'), text.size());
        state.damage = text.substr(found.size(), end - found.size());
    }
    return state;
}

Result<Done> DatabaseMark::write(std::string_view damage) const {
    std::string line(damage.substr(0, bytes_max / 2));
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::string text = line.empty() ? "there is a database here; see schedulerd(8)\n"
                                    : fmt::format("{}{}\n", found, line);
    auto fresh = path_;
    fresh += ".new";
    UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.is_open()) return failure("create", fresh, errno);
    auto size = ::pwrite(fd.get(), text.data(), text.size(), 0);
    int error = size < 0 ? errno : size < static_cast<ssize_t>(text.size()) ? ENOSPC : 0;
    if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
    if (error == 0 && std::rename(fresh.c_str(), path_.c_str()) != 0) error = errno;
    if (error == 0 && !sync_directory(path_.parent_path())) error = errno;
    if (error == 0) return Done{};
    (void)::unlink(fresh.c_str());  // the first error is the one to tell
    return failure("write", path_, error);
}

}  // namespace scheduler
