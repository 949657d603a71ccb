#pragma once
/// One connection from its first byte to its last: reads a request, has its route's handler answer,
/// writes the answer, and again, in the order of the requests. A coroutine on the session's loop.

#include <functional>
#include <memory>

#include "daemon/base/asio.hpp"
#include "daemon/http/options.hpp"
#include "daemon/http/session.hpp"
#include "daemon/service/service.hpp"

namespace scheduler {

using CurrentOptions = std::function<std::shared_ptr<const HttpOptions>()>;

/// Returns when the connection has ended. Throws only what is a bug.
asio::awaitable<void> serve_connection(std::shared_ptr<Session> session,
                                       Service& service,
                                       CurrentOptions options);

/// Says that there are too many connections, and ends this one.
asio::awaitable<void> refuse_connection(std::shared_ptr<Session> session);
/// The same without waiting for anything, as far as the client lets it. Does not own `fd`.
void refuse_at_once(int fd);

}  // namespace scheduler
