#include "daemon/engine/docker/event_stream.hpp"

#include "daemon/engine/docker/engine_json.hpp"

namespace scheduler {

std::optional<ContainerEvent> parse_container_event(std::string_view line) {
    auto json = parse_engine_json(line);
    if (!json || get_string(*json, "Type").value_or("") != "container") return std::nullopt;
    const EngineJson* actor = get_object(*json, "Actor");
    auto id = actor == nullptr ? std::nullopt : get_string(*actor, "ID");
    if (!id || id->empty()) return std::nullopt;
    // Podman calls it "died" in its filter and may do so in the event.
    auto action = get_string(*json, "Action").value_or("");
    return ContainerEvent{*std::move(id), action == "die" || action == "died", action == "create"};
}

bool EventLines::feed(std::string_view bytes) {
    for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
        std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(end + 1);
        if (buffer_.size() + line.size() > line_bytes_max) return false;
        if (buffer_.empty()) {
            take(line);
        } else {
            buffer_ += line;
            take(buffer_);
            buffer_.clear();
        }
    }
    buffer_ += bytes;
    return buffer_.size() <= line_bytes_max;
}

void EventLines::take(std::string_view line) {
    if (auto event = parse_container_event(line)) on_event_(*event);
}

}  // namespace scheduler
