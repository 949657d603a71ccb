#include "common/mount.hpp"

#include <fmt/format.h>

#include "common/words.hpp"

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
    return parse_word(word, "type", mount_types);
}

std::string mount_text(const Mount& mount) {
    return fmt::format("type={}{},target={}{}",
                       to_string(mount.type),
                       mount.source ? ",source=" + *mount.source : "",
                       mount.target,
                       mount.read_only ? ",readonly" : "");
}

}  // namespace scheduler
