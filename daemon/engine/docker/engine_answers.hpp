#pragma once
/// Reads what the engine answers into the types of engine.hpp. An answer of another form than the
/// API promises is an error, never an exception. Pure; any thread. Source: Docker Engine API 1.41,
/// Podman 4.3.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

/// POST /containers/create → the id; the warnings go into `warnings`.
EngineResult<std::string> parse_created(std::string_view body, std::vector<std::string>& warnings);
/// GET /containers/X/json. A container that ended before it started (seen by 4 ms, the two times
/// come from different processes) ends when it started.
EngineResult<ContainerState> parse_inspect(std::string_view body);
/// GET /containers/json.
EngineResult<std::vector<ContainerSummary>> parse_list(std::string_view body);

/// GET /info: id, name and cores; the rest is the caller's.
/// The id holds the data root besides the engine's ID: before Docker 23 the ID is the host's,
/// shared by all engines on it, and Podman makes up a new one for each answer, so there the host's
/// name stands.
EngineResult<EngineIdentity> parse_info(std::string_view body, bool is_podman);

/// GET /info: the engine's own clock.
EngineResult<std::chrono::sys_time<std::chrono::nanoseconds>> parse_system_time(
    std::string_view body);

/// The message of an error body: the JSON's `message`, else the text itself; trimmed, at most 2
/// KiB, and never empty.
std::string error_message(int status, std::string_view body);

/// Chooses the API version for an engine that offers `offered`: the newest that both know.
/// Errors: refused, with what to do, below 1.41 and for what is no version.
EngineResult<std::string> negotiate_version(std::string_view offered);

}  // namespace scheduler
