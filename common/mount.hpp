#pragma once
/// What a job sees of the outside under a path of its own. Pure; any thread.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/fields.hpp"

namespace scheduler {

enum class MountType : std::uint8_t {
    bind,    ///< a file or directory of the engine's host, which must be there
    volume,  ///< by name, made when it is not there; without a name it goes with the container
    tmpfs,   ///< memory
};
inline constexpr std::array mount_types{MountType::bind, MountType::volume, MountType::tmpfs};
std::string_view to_string(MountType type);
/// Errors: bad_field.
Result<MountType> parse_mount_type(std::string_view word);
template <>
struct TextTraits<MountType> : WordTraits<MountType, parse_mount_type> {};

struct Mount {
    MountType type = MountType::volume;
    std::optional<std::string> source;
    std::string target;
    bool read_only = false;

    bool operator==(const Mount&) const = default;

    static void fields(auto& self, auto& visit) {
        visit("type", self.type, "bind, volume or tmpfs");
        visit("source",
              self.source,
              "bind: an absolute path of the engine's host, which must be there; volume: its name");
        visit("target", self.target, "an absolute path in the container");
        visit("read_only", self.read_only, "true: it can't be written");
    }
};

/// As docker's --mount has it: `type=bind,source=/etc,target=/host,readonly`.
std::string mount_text(const Mount& mount);

}  // namespace scheduler
