#include "common/mount.hpp"

#include <fmt/format.h>

namespace scheduler {

std::string_view to_string(MountType type) {
    switch (type) {
        case MountType::bind:
            return "bind";
        case MountType::volume:
            return "volume";
        case MountType::tmpfs:
            return "tmpfs";
    }
    return "unknown";
}

Result<MountType> parse_mount_type(std::string_view word) {
    for (MountType type : mount_types)
        if (to_string(type) == word) return type;
    return fail(ErrorCode::bad_field,
                fmt::format("type \"{}\" is not one of bind, volume, tmpfs", word.substr(0, 64)));
}

std::string mount_text(const Mount& mount) {
    return fmt::format("type={}{},target={}{}",
                       to_string(mount.type),
                       mount.source ? ",source=" + *mount.source : "",
                       mount.target,
                       mount.read_only ? ",readonly" : "");
}

}  // namespace scheduler
