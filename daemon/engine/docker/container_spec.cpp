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

}  // namespace

std::string create_body(const ContainerRequest& request, bool is_podman) {
    Json body = Json::object();
    body["Image"] = request.image;
    // An empty array would be "No command" even where the image has one.
    if (!request.command.empty()) body["Cmd"] = request.command;
    Json env = Json::array();
    for (const auto& [name, value] : request.env)
        env.push_back(name + '=' + value);
    body["Env"] = std::move(env);
    body["Labels"] = Json::object();
    for (const auto& [name, value] : request.labels)
        body["Labels"][name] = value;
    // A terminal would merge the two streams and change the form of the log.
    body["Tty"] = false;
    body["HostConfig"] = {{"LogConfig", log_config(request.log_bytes_max, is_podman)},
                          {"RestartPolicy", {{"Name", "no"}}},
                          {"AutoRemove", false}};
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
