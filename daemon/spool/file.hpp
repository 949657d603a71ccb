#pragma once
/// The system calls of the spool, with EINTR handled and errors in words. Blocking; any thread.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace scheduler::spool_file {

using Path = std::filesystem::path;

/// The error of a call that failed with `error_number`: disk_full for ENOSPC and EDQUOT, else
/// internal.
Failure<Error> failure(std::string_view doing, const Path& path, int error_number);

/// For reading; a closed descriptor where there is no such file.
Result<UniqueFd> open_to_read(const Path& path);
/// A new, empty file, 0600, read and write, in the place of an old one. The old one stays as it is
/// for those who have it open.
Result<UniqueFd> create(const Path& path);

/// Fills `bytes` from `offset` on; less at the end of the file.
Result<std::size_t> read_at(
    int fd, const Path& path, char* bytes, std::size_t size, std::uint64_t offset);
/// All of it, at the end.
Result<Done> write_all(int fd, const Path& path, std::string_view bytes);
Result<Done> truncate(int fd, const Path& path, std::uint64_t size);

Result<Done> sync(int fd, const Path& path);
Result<Done> sync_directory(const Path& path);
Result<Done> rename_file(const Path& from, const Path& to);
/// Also when it is not there.
Result<Done> remove_file(const Path& path);
/// Makes the directory and those above it, 0700, and syncs where one was made.
Result<Done> make_directories(const Path& path);

}  // namespace scheduler::spool_file
