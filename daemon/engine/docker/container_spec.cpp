#include "daemon/engine/docker/container_spec.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace scheduler {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The engine counts what it writes, not what was printed. Measured with Docker 20.10.24, for one
/// line of n bytes with its newline:
///
///              bytes on disk      not UTF-8   read        rotated while it is followed
///   json-file  n + 70, more for   becomes     2.0 s for   leaves lines out, repeats
///              escapes (6n)       U+FFFD      200,000     others, or ends early
///   local      n + 25 to 28       is kept     lines       the same
///
/// So `local` keeps an output of one-byte lines in 26 bytes a byte, where json-file needs 71. What
/// it loses is the newline of a line over 16 KiB, which mend_lines() gives back. Two files of 14
/// times the limit hold 28 bytes a byte: whatever is within the limit is whole. It is a bound, not
/// a cost: the space is taken only by jobs that print so much, and only until their end.
/// Compression would unpack each old file into a temporary one at each reading.
///
/// Podman knows no `local` and has one file, which it begins anew: 45 bytes and the line.
Json log_config(std::int64_t log_bytes_max, bool is_podman) {
    // A number without unit is bytes; docker reads "k" and "m" as powers of ten, Podman as powers
    // of two.
    auto wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(log_bytes_max, 0));
    std::uint64_t file_bytes = std::max(log_file_bytes_min, 14 * wanted);
    if (is_podman)
        return {{"Type", "json-file"}, {"Config", {{"max-size", std::to_string(4 * file_bytes)}}}};
    return {{"Type", "local"},
            {"Config",
             {{"max-size", std::to_string(file_bytes)}, {"max-file", "2"}, {"compress", "false"}}}};
}

Json ulimits(const std::vector<Ulimit>& limits) {
    Json json = Json::array();
    for (const Ulimit& limit : limits)
        json.push_back({{"Name", limit.name}, {"Soft", limit.soft}, {"Hard", limit.hard}});
    return json;
}

/// As `Mounts`, never as `Binds`: for those a source that does not exist would be made.
Json mounts(const std::vector<Mount>& mounts) {
    Json json = Json::array();
    for (const Mount& mount : mounts) {
        Json entry = {{"Type", to_string(mount.type)}, {"Target", mount.target}};
        if (mount.source) entry["Source"] = *mount.source;
        if (mount.read_only) entry["ReadOnly"] = true;
        json.push_back(std::move(entry));
    }
    return json;
}

/// What docker's own --gpus asks for.
Json device_requests(const Gpus& gpus) {
    Json request = {{"Driver", ""}, {"Capabilities", Json::array({Json::array({"gpu"})})}};
    if (gpus.devices.empty())
        request["Count"] = gpus.count;
    else
        request["DeviceIDs"] = gpus.devices;
    return Json::array({std::move(request)});
}

void add_limits(Json& host, const JobSpec& spec) {
    if (spec.memory) host["Memory"] = spec.memory->bytes;
    if (spec.cpus) host["NanoCpus"] = spec.cpus->nano;
    if (spec.pids_limit) host["PidsLimit"] = *spec.pids_limit;
    if (spec.shm_size) host["ShmSize"] = spec.shm_size->bytes;
    if (!spec.ulimits.empty()) host["Ulimits"] = ulimits(spec.ulimits);
}

void add_surroundings(Json& host, const JobSpec& spec) {
    if (spec.network) host["NetworkMode"] = *spec.network;
    if (!spec.mounts.empty()) host["Mounts"] = mounts(spec.mounts);
    if (!spec.tmpfs.empty()) host["Tmpfs"] = spec.tmpfs;
    if (spec.read_only) host["ReadonlyRootfs"] = *spec.read_only;
    if (!spec.cap_add.empty()) host["CapAdd"] = spec.cap_add;
    if (!spec.cap_drop.empty()) host["CapDrop"] = spec.cap_drop;
    if (!spec.security_opt.empty()) host["SecurityOpt"] = spec.security_opt;
    if (spec.init) host["Init"] = *spec.init;
    if (spec.gpus) host["DeviceRequests"] = device_requests(*spec.gpus);
}

void add_program(Json& body, const JobSpec& spec) {
    // An empty array would be "no command" even where the image has one.
    if (!spec.entrypoint.empty()) body["Entrypoint"] = spec.entrypoint;
    if (!spec.command.empty()) body["Cmd"] = spec.command;
    Json env = Json::array();
    for (const auto& [name, value] : spec.env)
        env.push_back(name + '=' + value);
    body["Env"] = std::move(env);
    if (spec.workdir) body["WorkingDir"] = *spec.workdir;
    if (spec.user) body["User"] = *spec.user;
    if (spec.hostname) body["Hostname"] = *spec.hostname;
    // We say it with each stop; this is for the engine's own, when it shuts down.
    if (spec.stop_grace)
        body["StopTimeout"] =
            std::chrono::ceil<std::chrono::seconds>(spec.stop_grace->length).count();
}

}  // namespace

std::string create_body(const ContainerRequest& request, bool is_podman) {
    Json body = Json::object();
    body["Image"] = request.image;
    add_program(body, request.spec);
    body["Labels"] = Json::object();
    for (const auto& [name, value] : request.labels)
        body["Labels"][name] = value;
    // A terminal would merge the two streams and change the form of the log.
    body["Tty"] = false;
    Json host = {{"LogConfig", log_config(request.log_bytes_max, is_podman)},
                 {"RestartPolicy", {{"Name", "no"}}},
                 {"AutoRemove", false}};
    add_limits(host, request.spec);
    add_surroundings(host, request.spec);
    body["HostConfig"] = std::move(host);
    return dump(body);
}

std::string filters_json(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& filters) {
    Json json = Json::object();
    for (const auto& [name, values] : filters)
        json[name] = values;
    return dump(json);
}

}  // namespace scheduler
