#include "cli/mount_options.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "cli/output/text.hpp"

namespace scheduler {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

Failure<Error> bad_volume(std::string_view text, std::string_view reason) {
    return fail(ErrorCode::bad_field,
                fmt::format("-v \"{}\" {}; write SRC:DST or SRC:DST:ro, such as /srv/data:/data:ro",
                            escape_text(text),
                            reason));
}

Failure<Error> bad_mount(std::string_view text, const std::string& reason) {
    return fail(ErrorCode::bad_field,
                fmt::format("--mount \"{}\" {}; write it as in "
                            "type=bind,source=/srv/data,target=/data,readonly",
                            escape_text(text),
                            reason));
}

/// As docker reads `readonly`, `readonly=true`, `readonly=1`.
std::optional<bool> parse_flag(bool has_value, std::string_view value) {
    if (!has_value || value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    return std::nullopt;
}

/// Takes one of the option's words. False: docker has it, perhaps, but we don't.
Result<bool> read_word(std::string_view word, Mount& mount) {
    auto equals = word.find('=');
    bool has_value = equals != std::string_view::npos;
    std::string_view key = word.substr(0, equals);
    std::string_view value = has_value ? word.substr(equals + 1) : "";
    if (key == "readonly" || key == "ro") {
        auto flag = parse_flag(has_value, value);
        mount.read_only = flag.value_or(false);
        return flag.has_value();
    }
    if (!has_value) return false;
    if (key == "type") {
        auto type = parse_mount_type(value);
        if (!type) return fail(type.error());
        mount.type = *type;
    } else if (key == "source" || key == "src") {
        mount.source = std::string(value);
    } else if (key == "target" || key == "dst" || key == "destination") {
        mount.target = value;
    } else {
        return false;
    }
    return true;
}

}  // namespace

Result<Mount> parse_volume_option(std::string_view text) {
    auto parts = split(text, ':');
    if (parts.size() > 3) return bad_volume(text, "has too many parts");
    if (std::find(parts.begin(), parts.end(), "") != parts.end())
        return bad_volume(text, "has an empty part");
    Mount mount;
    mount.target = parts.size() == 1 ? parts[0] : parts[1];
    if (parts.size() > 1) {
        std::string_view source = parts[0];
        if (source.starts_with('.') || source.starts_with('~'))
            return bad_volume(text,
                              "has a relative source, and it is the engine's host that reads it");
        mount.type = source.starts_with('/') ? MountType::bind : MountType::volume;
        mount.source = std::string(source);
    }
    if (parts.size() > 2) {
        if (parts[2] != "ro" && parts[2] != "rw")
            return bad_volume(text, "ends with neither ro nor rw");
        mount.read_only = parts[2] == "ro";
    }
    return mount;
}

Result<Mount> parse_mount_option(std::string_view text) {
    Mount mount;
    for (std::string_view word : split(text, ',')) {
        auto is_known = read_word(word, mount);
        if (!is_known) return bad_mount(text, "can't be used: " + is_known.error().message);
        if (!*is_known)
            return bad_mount(text,
                             fmt::format("holds \"{}\", which is none of type, source, target and "
                                         "readonly with a value that fits",
                                         escape_text(word)));
    }
    if (mount.target.empty()) return bad_mount(text, "has no target");
    return mount;
}

void add_tmpfs_option(std::map<std::string, std::string>& tmpfs, const std::string& text) {
    auto colon = std::min(text.find(':'), text.size());
    tmpfs[text.substr(0, colon)] = text.substr(std::min(colon + 1, text.size()));
}

}  // namespace scheduler
