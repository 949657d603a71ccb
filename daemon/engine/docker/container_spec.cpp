#include "daemon/engine/docker/container_spec.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace scheduler {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json log_config(std::int64_t log_bytes_max) {
    // A number without unit is bytes; docker reads "k" and "m" as powers of ten, Podman as powers
    // of two.
    constexpr std::int64_t reserve = 64 * 1024;
    std::int64_t file_bytes = std::max<std::int64_t>(log_bytes_max, 0) + reserve;
    Json options = {{"max-size", std::to_string(file_bytes)}, {"max-file", "3"}};
    return {{"Type", "json-file"}, {"Config", options}};
}

}  // namespace

std::string create_body(const ContainerRequest& request) {
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
    body["HostConfig"] = {{"LogConfig", log_config(request.log_bytes_max)},
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
