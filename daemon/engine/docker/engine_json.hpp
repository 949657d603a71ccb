#pragma once
/// Checked looks into an engine's JSON: whatever the answer holds, these return and never throw.
/// Included by the parsers of answers only. Pure; any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace scheduler {

using EngineJson = nlohmann::json;

/// Nothing when the text is no JSON object or array.
std::optional<EngineJson> parse_engine_json(std::string_view text);

/// The member, or nothing when it is absent or of another type, or `object` is no object.
std::optional<std::string> get_string(const EngineJson& object, std::string_view name);
std::optional<std::int64_t> get_integer(const EngineJson& object, std::string_view name);
std::optional<bool> get_bool(const EngineJson& object, std::string_view name);
const EngineJson* get_object(const EngineJson& object, std::string_view name);
/// The members that are strings; empty when it is absent, null or no object.
std::map<std::string, std::string> get_string_map(const EngineJson& object, std::string_view name);

}  // namespace scheduler
