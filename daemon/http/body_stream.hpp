#pragma once
/// BodyStream: a body whose end is not known when its head is written. The connection asks for a
/// piece, writes it, and asks again: a slow reader costs one piece. Lives on its connection's
/// loop.

#include <optional>
#include <string>

#include "common/result.hpp"
#include "daemon/base/asio.hpp"

namespace scheduler {

class BodyStream {
  public:
    BodyStream() = default;
    BodyStream(const BodyStream&) = delete;
    BodyStream& operator=(const BodyStream&) = delete;
    virtual ~BodyStream() = default;

    /// The next piece, never empty; nothing at the end, and when the client is gone or the server
    /// stops.
    virtual asio::awaitable<Result<std::optional<std::string>>> next() = 0;
    /// Called once when no piece is wanted any more. No reply is under way after it.
    virtual asio::awaitable<void> close() = 0;
};

}  // namespace scheduler
