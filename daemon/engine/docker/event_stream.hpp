#pragma once
/// EventLines splits the body of an event stream into its lines, one JSON object each, wherever its
/// reads are split, and tells which containers ended. Owns its buffer; lives in one exchange.
/// Source: Docker Engine API 1.41, SystemEvents.

#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/unique_function.hpp"

namespace scheduler {

/// The id of the container that this event says has ended; nothing for any other event or text.
/// Its exit code is not read: a label named exitCode replaces the real one.
std::optional<std::string> ended_container(std::string_view event);

class EventLines {
  public:
    static constexpr std::size_t line_bytes_max = 1024 * 1024;

    explicit EventLines(UniqueFunction<void(const std::string& container)> on_end)
        : on_end_(std::move(on_end)) {}

    /// False when a line is longer than the limit: this is no event stream.
    bool feed(std::string_view bytes);

  private:
    void take(std::string_view line);

    UniqueFunction<void(const std::string& container)> on_end_;
    std::string buffer_;  ///< an incomplete line
};

}  // namespace scheduler
