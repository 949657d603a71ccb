#include "daemon/engine/docker/engine_answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>

#include <fmt/format.h>

#include "daemon/engine/docker/docker_time.hpp"
#include "daemon/engine/docker/engine_json.hpp"

namespace scheduler {
namespace {

using Phase = ContainerState::Phase;

struct ApiVersion {
    int major = 0;
    int minor = 0;
    auto operator<=>(const ApiVersion&) const = default;
};
constexpr ApiVersion version_newest{1, 47};
constexpr ApiVersion version_oldest{1, 41};

Failure<EngineFailure> not_understood(std::string_view what, std::string_view body) {
    constexpr std::size_t shown_bytes_max = 200;
    return fail(EngineFailure{EngineFailure::Kind::refused,
                              fmt::format("the engine's answer is not understood: {} in {}",
                                          what,
                                          body.substr(0, shown_bytes_max))});
}

std::optional<Phase> parse_phase(std::string_view status) {
    // docker's words, then Podman's own.
    static constexpr std::array<std::pair<std::string_view, Phase>, 11> words{
        {{"created", Phase::created},
         {"running", Phase::running},
         {"paused", Phase::running},
         {"restarting", Phase::running},
         {"removing", Phase::removing},
         {"exited", Phase::ended},
         {"dead", Phase::ended},
         {"configured", Phase::created},
         {"initialized", Phase::created},
         {"stopping", Phase::running},
         {"stopped", Phase::ended}}};
    for (const auto& [word, phase] : words)
        if (word == status) return phase;
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<ApiVersion> parse_version(std::string_view text) {
    ApiVersion version;
    const char* end = text.data() + text.size();
    auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec != std::errc{} || minor.ptr != end) return std::nullopt;
    return version;
}

/// Podman says `RLIMIT_NOFILE` where Docker says `nofile`.
std::vector<Ulimit> ulimits_of(const EngineJson& host) {
    std::vector<Ulimit> limits;
    auto list = host.find("Ulimits");
    if (list == host.end() || !list->is_array()) return limits;
    for (const EngineJson& entry : *list) {
        if (!entry.is_object()) continue;
        std::string name = get_string(entry, "Name").value_or("");
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        constexpr std::string_view prefix = "rlimit_";
        if (name.starts_with(prefix)) name.erase(0, prefix.size());
        limits.push_back({std::move(name),
                          get_integer(entry, "Soft").value_or(0),
                          get_integer(entry, "Hard").value_or(0)});
    }
    return limits;
}

/// 0, null and absent mean that there is none. Podman says what NanoCpus came to as a quota.
LimitsInForce limits_of(const EngineJson& host) {
    auto is_set = [&](std::string_view name) { return get_integer(host, name).value_or(0) > 0; };
    return {.memory = is_set("Memory"),
            .cpus = is_set("NanoCpus") || is_set("CpuQuota"),
            .pids = is_set("PidsLimit"),
            .ulimits = ulimits_of(host)};
}

}  // namespace

EngineResult<std::string> parse_created(std::string_view body, std::vector<std::string>& warnings) {
    auto json = parse_engine_json(body);
    auto id = json ? get_string(*json, "Id") : std::nullopt;
    if (!id || id->empty()) return not_understood("no Id", body);
    auto found = json->find("Warnings");
    if (found != json->end() && found->is_array())
        for (const EngineJson& warning : *found)
            if (warning.is_string()) warnings.push_back(warning.get_ref<const std::string&>());
    return *std::move(id);
}

EngineResult<ContainerState> parse_inspect(std::string_view body) {
    auto json = parse_engine_json(body);
    if (!json) return not_understood("no JSON", body);
    const EngineJson* state = get_object(*json, "State");
    auto id = get_string(*json, "Id");
    if (state == nullptr || !id || id->empty()) return not_understood("no Id or State", body);
    auto status = get_string(*state, "Status").value_or("");
    auto phase = parse_phase(status);
    if (!phase) return not_understood(fmt::format("State.Status \"{}\"", status), body);
    auto exit_code = get_integer(*state, "ExitCode");
    if (!exit_code) return not_understood("no State.ExitCode", body);

    ContainerState result;
    result.id = *std::move(id);
    result.phase = *phase;
    if (const EngineJson* config = get_object(*json, "Config"))
        result.labels = get_string_map(*config, "Labels");
    if (const EngineJson* host = get_object(*json, "HostConfig")) result.limits = limits_of(*host);
    result.exit_code = *exit_code;
    result.error = get_string(*state, "Error").value_or("");
    result.out_of_memory = get_bool(*state, "OOMKilled").value_or(false);
    result.started_at = parse_engine_time(get_string(*state, "StartedAt").value_or(""));
    result.finished_at = parse_engine_time(get_string(*state, "FinishedAt").value_or(""));
    if (result.started_at && result.finished_at && result.phase == Phase::ended)
        result.finished_at = std::max(*result.started_at, *result.finished_at);
    return result;
}

EngineResult<std::vector<ContainerSummary>> parse_list(std::string_view body) {
    auto json = parse_engine_json(body);
    if (!json || !json->is_array()) return not_understood("no array", body);
    std::vector<ContainerSummary> result;
    for (const EngineJson& item : *json) {
        auto id = get_string(item, "Id");
        auto state = get_string(item, "State");
        if (!id || !state) return not_understood("an entry without Id or State", body);
        ContainerSummary summary;
        summary.id = *std::move(id);
        // An unknown word counts as not running: the caller settles each one by an inspect.
        summary.is_running = parse_phase(*state) == Phase::running;
        summary.labels = get_string_map(item, "Labels");
        auto names = item.find("Names");
        if (names != item.end() && names->is_array() && !names->empty() &&
            names->front().is_string()) {
            summary.name = names->front().get_ref<const std::string&>();
            if (summary.name.starts_with('/')) summary.name.erase(0, 1);
        }
        result.push_back(std::move(summary));
    }
    return result;
}

EngineResult<NanoPoint> parse_system_time(std::string_view body) {
    auto json = parse_engine_json(body);
    auto text = json ? get_string(*json, "SystemTime") : std::nullopt;
    auto time = text ? parse_engine_nanos(*text) : std::nullopt;
    if (!time) return not_understood("no SystemTime", body);
    return *time;
}

EngineResult<EngineIdentity> parse_info(std::string_view body, bool is_podman) {
    auto json = parse_engine_json(body);
    if (!json) return not_understood("no JSON", body);
    auto id = get_string(*json, is_podman ? "Name" : "ID").value_or("");
    auto root = get_string(*json, "DockerRootDir").value_or("");
    if (id.empty() && root.empty()) return not_understood("neither ID nor DockerRootDir", body);
    auto version = get_string(*json, "ServerVersion").value_or("");
    EngineIdentity identity;
    identity.id = fmt::format("{} {}", id, root);
    // A distribution's suffix (20.10.24+dfsg1) says nothing to people.
    identity.name =
        fmt::format("{} {}", is_podman ? "Podman" : "Docker", version.substr(0, version.find('+')));
    constexpr std::int64_t cores_max = 65536;
    identity.cores = static_cast<int>(
        std::clamp<std::int64_t>(get_integer(*json, "NCPU").value_or(1), 1, cores_max));
    return identity;
}

std::string error_message(int status, std::string_view body) {
    constexpr std::size_t bytes_max = 2048;
    std::string message;
    if (auto json = parse_engine_json(body)) message = get_string(*json, "message").value_or("");
    std::string_view text = trim(message.empty() ? body : std::string_view(message));
    if (text.empty()) return fmt::format("the engine answered {} without a reason", status);
    if (text.size() <= bytes_max) return std::string(text);
    // Not in the middle of a character.
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return std::string(text.substr(0, end)) + "…";
}

EngineResult<std::string> negotiate_version(std::string_view offered) {
    auto version = parse_version(offered);
    if (!version)
        return fail(EngineFailure{
            EngineFailure::Kind::refused,
            fmt::format(
                "its answer names no API version (\"{}\"); is it a Docker Engine or Podman?",
                offered.substr(0, 32))});
    if (*version < version_oldest)
        return fail(EngineFailure{
            EngineFailure::Kind::refused,
            fmt::format("its API version {} is too old; {}.{} (Docker 20.10) or newer is needed",
                        offered,
                        version_oldest.major,
                        version_oldest.minor)});
    auto chosen = std::min(*version, version_newest);
    return fmt::format("{}.{}", chosen.major, chosen.minor);
}

}  // namespace scheduler
