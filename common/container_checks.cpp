#include "common/container_checks.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "common/capabilities.hpp"
#include "common/characters.hpp"

namespace scheduler {
namespace {

constexpr std::string_view own_labels = "schedulerd.";
constexpr std::int64_t no_pids_limit = -1;

constexpr std::array<std::string_view, 7> security_options{"no-new-privileges",
                                                           "seccomp",
                                                           "apparmor",
                                                           "label",
                                                           "mask",    // the last three
                                                           "unmask",  // are Podman's
                                                           "proc-opts"};

Failure<Error> bad_field(std::string message) {
    return fail(ErrorCode::bad_field, std::move(message));
}

/// For messages: long values are cut.
std::string_view shown(std::string_view text) {
    return text.substr(0, 64);
}

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

bool has_blank_or_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 127;
    });
}

/// As docker names things: letters, digits and `others`, of which none comes first.
bool is_name(std::string_view text, std::string_view others) {
    return !text.empty() && is_letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
           });
}

Result<Done> check_path(std::string_view field, std::string_view path) {
    if (!path.starts_with('/'))
        return bad_field(fmt::format(
            "{} \"{}\" is not an absolute path; write one that begins with /", field, shown(path)));
    if (path.size() > SpecLimits::path_bytes)
        return bad_field(fmt::format("{} is longer than {} bytes", field, SpecLimits::path_bytes));
    if (has_nul(path)) return bad_field(fmt::format("{} holds a NUL character", field));
    return Done{};
}

Result<Done> check_entries(std::string_view field, std::size_t count, std::size_t max) {
    if (count <= max) return Done{};
    return bad_field(fmt::format("{} has {} entries; {} are allowed", field, count, max));
}

// ---- who and where it is ----

Result<Done> check_user(const std::string& user) {
    if (user.empty()) return bad_field("user is empty; leave it out to run as the image's own");
    if (user.size() > SpecLimits::name_bytes)
        return bad_field(fmt::format("user is longer than {} bytes", SpecLimits::name_bytes));
    if (has_blank_or_control(user))
        return bad_field(
            fmt::format("user \"{}\" holds a blank or a control character; write a "
                        "name or a number, and :GROUP after it if need be",
                        shown(user)));
    return Done{};
}

Result<Done> check_hostname(const std::string& name) {
    if (name.size() > SpecLimits::hostname_bytes)
        return bad_field(
            fmt::format("hostname is longer than {} bytes", SpecLimits::hostname_bytes));
    if (!is_name(name, "-._"))
        return bad_field(
            fmt::format("hostname \"{}\" is not made of letters, digits, -, _ and ., with "
                        "a letter or digit first",
                        shown(name)));
    return Done{};
}

Result<Done> check_label(const std::string& name, const std::string& value) {
    if (name.empty()) return bad_field("labels has a label without a name; write NAME=VALUE");
    if (name.size() > SpecLimits::name_bytes)
        return bad_field(
            fmt::format("labels has a name longer than {} bytes", SpecLimits::name_bytes));
    if (name.starts_with(own_labels))
        return bad_field(
            fmt::format("label \"{}\" can't be set: names that begin with schedulerd. are kept for "
                        "the daemon's own",
                        shown(name)));
    if (has_blank_or_control(name) || name.find('=') != std::string::npos)
        return bad_field(fmt::format(
            "label \"{}\" has a blank, a control character or a = in its name", shown(name)));
    if (has_nul(value))
        return bad_field(fmt::format("label {} holds a NUL character", shown(name)));
    return Done{};
}

Result<Done> check_labels(const JobSpec& spec) {
    auto count = check_entries("labels", spec.labels.size(), SpecLimits::labels);
    if (!count) return count;
    for (const auto& [name, value] : spec.labels)
        if (auto label = check_label(name, value); !label) return label;
    return Done{};
}

Result<Done> check_place(const JobSpec& spec) {
    if (spec.workdir)
        if (auto path = check_path("workdir", *spec.workdir); !path) return path;
    if (spec.user)
        if (auto user = check_user(*spec.user); !user) return user;
    if (spec.hostname)
        if (auto name = check_hostname(*spec.hostname); !name) return name;
    return check_labels(spec);
}

// ---- how much it may take ----

Result<Done> check_ulimits(const std::vector<Ulimit>& ulimits) {
    std::set<std::string_view> names;
    for (const Ulimit& limit : ulimits)
        if (!names.insert(limit.name).second)
            return bad_field(fmt::format("ulimits gives {} twice", limit.name));
    return Done{};
}

Result<Done> check_limits(const JobSpec& spec) {
    if (spec.memory && spec.memory->bytes < SpecLimits::memory_min)
        return bad_field(fmt::format("memory {} is too small; it must be at least {}",
                                     spec.memory->to_string(),
                                     size_to_string(SpecLimits::memory_min)));
    if (spec.cpus && (spec.cpus->nano < SpecLimits::cpus_min.nano ||
                      spec.cpus->nano > SpecLimits::cpus_max.nano))
        return bad_field(fmt::format("cpus {} is not from {} to {}",
                                     spec.cpus->to_string(),
                                     SpecLimits::cpus_min.to_string(),
                                     SpecLimits::cpus_max.to_string()));
    if (spec.pids_limit && *spec.pids_limit != no_pids_limit &&
        (*spec.pids_limit < 1 || *spec.pids_limit > SpecLimits::pids_max))
        return bad_field(fmt::format("pids_limit {} is not from 1 to {}, or -1 for no limit",
                                     *spec.pids_limit,
                                     SpecLimits::pids_max));
    if (spec.shm_size && spec.shm_size->bytes == 0)
        return bad_field("shm_size 0B is too small; leave it out for the engine's own size");
    if (spec.stop_grace && spec.stop_grace->length > SpecLimits::stop_grace_max)
        return bad_field(fmt::format("stop_grace {} is longer than {}",
                                     spec.stop_grace->to_string(),
                                     to_string(SpecLimits::stop_grace_max)));
    if (spec.log_limit && (spec.log_limit->bytes < SpecLimits::log_limit_min ||
                           spec.log_limit->bytes > SpecLimits::log_limit_max))
        return bad_field(fmt::format("log_limit {} is not from {} to {}",
                                     spec.log_limit->to_string(),
                                     size_to_string(SpecLimits::log_limit_min),
                                     size_to_string(SpecLimits::log_limit_max)));
    return check_ulimits(spec.ulimits);
}

// ---- what it sees of the outside ----

Result<Done> check_network(const std::string& network) {
    if (network.size() > SpecLimits::name_bytes)
        return bad_field(fmt::format("network is longer than {} bytes", SpecLimits::name_bytes));
    if (!is_name(network, "_.-:"))
        return bad_field(
            fmt::format("network \"{}\" is neither bridge, none, host, container:NAME "
                        "nor the name of a network",
                        shown(network)));
    return Done{};
}

Result<Done> check_source(const std::string& field, const Mount& mount) {
    const auto& source = mount.source;
    switch (mount.type) {
        case MountType::bind:
            if (!source)
                return bad_field(field + ".source is missing: a path of the engine's host");
            return check_path(field + ".source", *source);
        case MountType::volume:
            if (!source) return Done{};
            if (source->size() > SpecLimits::name_bytes)
                return bad_field(fmt::format(
                    "{}.source is longer than {} bytes", field, SpecLimits::name_bytes));
            if (is_name(*source, "_.-") && source->size() > 1) return Done{};
            return bad_field(fmt::format(
                "{}.source \"{}\" is not the name of a volume: letters, digits, _, . and -, at "
                "least two; for a path the type is bind",
                field,
                shown(*source)));
        case MountType::tmpfs:
            if (!source) return Done{};
            return bad_field(field + ".source does not go with type tmpfs; leave it out");
    }
    return Done{};
}

/// Each target is there once, among mounts and tmpfs together; engines say so only when it is due.
class Targets {
  public:
    Result<Done> add(const std::string& field, std::string_view path) {
        if (auto checked = check_path(field, path); !checked) return checked;
        while (path.size() > 1 && path.ends_with('/'))
            path.remove_suffix(1);
        if (path == "/") return bad_field(field + " can't be /, the container's own root");
        auto [taken, is_new] = taken_by_.emplace(path, field);
        if (!is_new)
            return bad_field(
                fmt::format("{} \"{}\" is taken by {}; give each mount a target of its own",
                            field,
                            shown(path),
                            taken->second));
        return Done{};
    }

  private:
    std::map<std::string_view, std::string> taken_by_;
};

Result<Done> check_mounts(const JobSpec& spec) {
    for (auto [field, count] :
         {std::pair("mounts", spec.mounts.size()), std::pair("tmpfs", spec.tmpfs.size())})
        if (auto entries = check_entries(field, count, SpecLimits::list_entries); !entries)
            return entries;
    Targets targets;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        std::string field = fmt::format("mounts[{}]", i);
        if (auto source = check_source(field, spec.mounts[i]); !source) return source;
        if (auto target = targets.add(field + ".target", spec.mounts[i].target); !target)
            return target;
    }
    for (const auto& [path, options] : spec.tmpfs) {
        if (path.find(':') != std::string::npos)
            return bad_field(fmt::format(
                "tmpfs \"{}\" has a : in its path; options stand beside the path", shown(path)));
        if (auto target = targets.add("tmpfs", path); !target) return target;
        if (has_blank_or_control(options))
            return bad_field(
                fmt::format("tmpfs {} has a blank or a control character in its options; write "
                            "them as mount(8) does, such as size=64m,mode=1777",
                            shown(path)));
    }
    return Done{};
}

// ---- what it may do ----

Result<Done> check_capabilities(std::string_view field, const std::vector<std::string>& names) {
    auto count = check_entries(field, names.size(), SpecLimits::list_entries);
    if (!count) return count;
    for (const std::string& name : names)
        if (!is_capability(name))
            return bad_field(
                fmt::format("{} \"{}\" is no capability; write ALL or a name of "
                            "capabilities(7), such as NET_ADMIN",
                            field,
                            shown(name)));
    return Done{};
}

Result<Done> check_security(const std::vector<std::string>& options) {
    auto count = check_entries("security_opt", options.size(), SpecLimits::list_entries);
    if (!count) return count;
    for (const std::string& option : options) {
        auto name = std::string_view(option).substr(0, option.find_first_of("=:"));
        bool is_known = std::find(security_options.begin(), security_options.end(), name) !=
                        security_options.end();
        if (!is_known || has_nul(option))
            return bad_field(fmt::format("security_opt \"{}\" begins with none of {}",
                                         shown(option),
                                         fmt::join(security_options, ", ")));
    }
    return Done{};
}

std::size_t bytes_of(const std::vector<std::string>& texts) {
    std::size_t bytes = 0;
    for (const std::string& text : texts)
        bytes += text.size();
    return bytes;
}

std::size_t bytes_of(const std::map<std::string, std::string>& texts) {
    std::size_t bytes = 0;
    for (const auto& [name, text] : texts)
        bytes += name.size() + text.size();
    return bytes;
}

/// What has no smaller limit of its own.
Result<Done> check_bytes(const JobSpec& spec) {
    std::size_t bytes = bytes_of(spec.labels) + bytes_of(spec.tmpfs) + bytes_of(spec.security_opt);
    for (const Mount& mount : spec.mounts)
        bytes += mount.source.value_or("").size() + mount.target.size();
    if (bytes <= SpecLimits::settings_bytes) return Done{};
    return fail(ErrorCode::too_large,
                fmt::format("labels, mounts, tmpfs and security_opt hold {} bytes; {} are allowed",
                            bytes,
                            SpecLimits::settings_bytes));
}

}  // namespace

Result<Done> check_container(const JobSpec& spec) {
    if (auto place = check_place(spec); !place) return place;
    if (auto limits = check_limits(spec); !limits) return limits;
    if (spec.network)
        if (auto network = check_network(*spec.network); !network) return network;
    if (auto mounts = check_mounts(spec); !mounts) return mounts;
    if (auto added = check_capabilities("cap_add", spec.cap_add); !added) return added;
    if (auto dropped = check_capabilities("cap_drop", spec.cap_drop); !dropped) return dropped;
    if (auto security = check_security(spec.security_opt); !security) return security;
    return check_bytes(spec);
}

}  // namespace scheduler
