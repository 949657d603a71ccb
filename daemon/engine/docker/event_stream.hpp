#pragma once
/// EventLines splits the body of an event stream into its lines, one JSON object each, wherever its
/// reads are split, and tells what happened to containers. Owns its buffer; lives in one exchange.
/// Source: Docker Engine API 1.41, SystemEvents.

#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/unique_function.hpp"

namespace scheduler {

struct ContainerEvent {
    std::string container;  ///< id
    bool is_end = false;
    bool is_creation = false;
};

/// Nothing for any other event or text. An end's exit code is not read: a label named exitCode
/// replaces the real one.
std::optional<ContainerEvent> parse_container_event(std::string_view line);

class EventLines {
  public:
    static constexpr std::size_t line_bytes_max = 1024 * 1024;

    explicit EventLines(UniqueFunction<void(const ContainerEvent&)> on_event)
        : on_event_(std::move(on_event)) {}

    /// False when a line is longer than the limit: this is no event stream.
    bool feed(std::string_view bytes);

  private:
    void take(std::string_view line);

    UniqueFunction<void(const ContainerEvent&)> on_event_;
    std::string buffer_;  ///< an incomplete line
};

}  // namespace scheduler
