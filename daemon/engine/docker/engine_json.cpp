#include "daemon/engine/docker/engine_json.hpp"

#include <limits>

namespace scheduler {
namespace {

const EngineJson* find(const EngineJson& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::optional<EngineJson> parse_engine_json(std::string_view text) {
    auto json = EngineJson::parse(text, nullptr, false);
    if (!json.is_structured()) return std::nullopt;
    return json;
}

std::optional<std::string> get_string(const EngineJson& object, std::string_view name) {
    const EngineJson* member = find(object, name);
    if (member == nullptr || !member->is_string()) return std::nullopt;
    return member->get_ref<const std::string&>();
}

std::optional<std::int64_t> get_integer(const EngineJson& object, std::string_view name) {
    const EngineJson* member = find(object, name);
    if (member == nullptr || !member->is_number_integer()) return std::nullopt;
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (member->is_number_unsigned() && member->get<std::uint64_t>() > limit) return std::nullopt;
    return member->get<std::int64_t>();
}

std::optional<bool> get_bool(const EngineJson& object, std::string_view name) {
    const EngineJson* member = find(object, name);
    if (member == nullptr || !member->is_boolean()) return std::nullopt;
    return member->get<bool>();
}

const EngineJson* get_object(const EngineJson& object, std::string_view name) {
    const EngineJson* member = find(object, name);
    return member != nullptr && member->is_object() ? member : nullptr;
}

std::map<std::string, std::string> get_string_map(const EngineJson& object, std::string_view name) {
    std::map<std::string, std::string> result;
    const EngineJson* member = get_object(object, name);
    if (member == nullptr) return result;
    for (const auto& item : member->items())
        if (item.value().is_string())
            result.emplace(item.key(), item.value().get_ref<const std::string&>());
    return result;
}

}  // namespace scheduler
