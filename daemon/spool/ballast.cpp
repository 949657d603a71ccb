#include "daemon/spool/ballast.hpp"

#include <algorithm>
#include <system_error>

#include <fcntl.h>

#include "daemon/spool/file.hpp"

namespace scheduler {

Result<Done> Ballast::make() {
    std::error_code error;
    if (path_.empty() || std::filesystem::exists(path_, error)) return Done{};
    auto space = std::filesystem::space(path_.parent_path(), error);
    if (error) return spool_file::failure("look at", path_.parent_path(), error.value());
    std::uint64_t bytes = std::min<std::uint64_t>(bytes_max, space.capacity / part_of_file_system);
    if (bytes == 0 || space.available < room_factor * bytes) return Done{};
    auto file = spool_file::create(path_);
    if (!file) return fail(file.error());
    // Blocks, not a hole.
    int failed = ::posix_fallocate(file->get(), 0, static_cast<off_t>(bytes));
    if (failed == 0) return Done{};
    (void)spool_file::remove_file(path_);
    return spool_file::failure("fill", path_, failed);
}

bool Ballast::drop() {
    std::error_code ignored;
    return !path_.empty() && std::filesystem::remove(path_, ignored);
}

}  // namespace scheduler
