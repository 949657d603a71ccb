#pragma once
/// The options that docker has for mounts: `-v`, `--mount` and `--tmpfs`. Pure.

#include <map>
#include <string>
#include <string_view>

#include "common/mount.hpp"

namespace scheduler {

/// `-v SRC:DST[:ro]`: SRC is a path of the engine's host, or the name of a volume; DST alone is a
/// volume without a name. Errors: bad_field, with the value and the right form.
Result<Mount> parse_volume_option(std::string_view text);

/// `--mount type=bind,source=/a,target=/b,readonly`, with docker's short words src, dst and ro;
/// without a type it is a volume. Errors: bad_field, also for docker's other words.
Result<Mount> parse_mount_option(std::string_view text);

/// `--tmpfs PATH[:OPTIONS]`; a later one of the same path wins.
void add_tmpfs_option(std::map<std::string, std::string>& tmpfs, const std::string& text);

}  // namespace scheduler
