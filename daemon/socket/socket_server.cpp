#include "daemon/socket/socket_server.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include <sys/socket.h>

#include <fmt/format.h>

#include "common/rpc.hpp"
#include "daemon/base/log.hpp"
#include "daemon/socket/connection.hpp"

namespace scheduler {
namespace {

using Protocol = asio::local::stream_protocol;

/// Who is at the other end, as the kernel says. Source: unix(7), SO_PEERCRED.
std::optional<Caller> caller_of(Connection::Socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return std::nullopt;
    return Caller{fmt::format("uid:{}", peer.uid)};
}

/// One line that a new connection's buffer surely takes, then the end.
void turn_away(Connection::Socket& socket, int connections_max) {
    auto line = encode_error(
        "null",
        {ErrorCode::busy,
         fmt::format("{} connections are open already; try again later", connections_max)});
    (void)::send(socket.native_handle(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

/// Lives on the first loop; connections live on any.
struct SocketServer::Core : std::enable_shared_from_this<Core> {
    Core(LoopPool& front_end, Methods table, SocketLimits given)
        : loops(front_end),
          first(front_end.first().get_executor()),
          methods(std::make_shared<const Methods>(std::move(table))),
          limits(given),
          acceptor(first),
          retry(first),
          grace_end(first) {}

    asio::awaitable<void> accept();
    void admit(Connection::Socket socket);
    void on_ended(const std::shared_ptr<Connection>& connection);
    void stop_accepting();
    void stop(Duration grace, UniqueFunction<void()> then);
    void close_all();
    void tell_stopped();

    LoopPool& loops;
    const asio::io_context::executor_type first;
    const std::shared_ptr<const Methods> methods;
    const SocketLimits limits;
    const Connection::Total bytes_in_flight = std::make_shared<std::atomic<std::size_t>>(0);
    Protocol::acceptor acceptor;
    asio::steady_timer retry;
    asio::steady_timer grace_end;
    std::optional<SocketFile> file;
    std::unordered_set<std::shared_ptr<Connection>> connections;
    bool is_stopping = false;
    UniqueFunction<void()> stopped;
};

asio::awaitable<void> SocketServer::Core::accept() {
    auto self = shared_from_this();
    bool is_failing = false;
    while (!is_stopping) {
        Connection::Socket accepted{asio::any_io_executor(first)};
        boost::system::error_code error;
        co_await acceptor.async_accept(accepted, asio::redirect_error(asio::use_awaitable, error));
        if (is_stopping) break;
        if (!error) {
            is_failing = false;
            Connection::Socket socket{loops.next()};
            socket.assign(Protocol(), accepted.release(error), error);
            if (!error) admit(std::move(socket));
            continue;
        }
        // Out of descriptors, or the client gave up: neither passes by asking again at once.
        if (!std::exchange(is_failing, true))
            log_warning("accept_failed", {{"error", error.message()}});
        retry.expires_after(std::chrono::milliseconds(50));
        co_await retry.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

void SocketServer::Core::admit(Connection::Socket socket) {
    if (connections.size() >= static_cast<std::size_t>(limits.connections_max))
        return turn_away(socket, limits.connections_max);
    auto caller = caller_of(socket);
    if (!caller) return;
    log_debug("socket_connected", {{"caller", caller->name}});
    auto connection = std::make_shared<Connection>(
        std::move(socket), std::move(*caller), methods, limits, bytes_in_flight);
    connections.insert(connection);
    // Weak: a loop that is destroyed before its connections have ended must not leave a ring
    // behind.
    connection->start([weak_self = weak_from_this(), weak = std::weak_ptr(connection)] {
        auto self = weak_self.lock();
        if (!self) return;
        asio::post(self->first, [self, weak] {
            if (auto ended = weak.lock()) self->on_ended(ended);
        });
    });
}

void SocketServer::Core::on_ended(const std::shared_ptr<Connection>& connection) {
    connections.erase(connection);
    if (connections.empty()) tell_stopped();
}

void SocketServer::Core::stop_accepting() {
    is_stopping = true;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
    file.reset();
}

void SocketServer::Core::stop(Duration grace, UniqueFunction<void()> then) {
    stopped = std::move(then);
    stop_accepting();
    for (const auto& connection : connections)
        connection->stop();
    if (connections.empty()) return tell_stopped();
    grace_end.expires_after(grace);
    grace_end.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->close_all();
    });
}

void SocketServer::Core::close_all() {
    for (const auto& connection : connections)
        connection->close();
}

void SocketServer::Core::tell_stopped() {
    if (!is_stopping) return;
    grace_end.cancel();
    if (auto then = std::exchange(stopped, {})) then();
}

SocketServer::SocketServer(LoopPool& front_end, Service& service, SocketLimits limits)
    : SocketServer(front_end, socket_methods(service), limits) {}

SocketServer::SocketServer(LoopPool& front_end, Methods methods, SocketLimits limits)
    : core_(std::make_shared<Core>(front_end, std::move(methods), limits)) {}

SocketServer::~SocketServer() {
    asio::post(core_->first, [core = core_] {
        core->stop_accepting();
        core->close_all();
    });
}

void SocketServer::serve(SocketFile file) {
    auto shared_file = std::make_shared<SocketFile>(std::move(file));
    asio::post(core_->first, [core = core_, shared_file] {
        if (core->is_stopping) return;
        core->acceptor.assign(Protocol(), shared_file->take_listener().release());
        core->file.emplace(std::move(*shared_file));
        auto ended = [](std::exception_ptr error) {
            // A loop that accepts no more would die unseen; this ends the loop that runs it.
            if (error) std::rethrow_exception(error);
        };
        asio::co_spawn(core->first, core->accept(), ended);
    });
}

void SocketServer::stop(Duration grace, UniqueFunction<void()> stopped) {
    asio::post(core_->first, [core = core_, grace, stopped = std::move(stopped)]() mutable {
        core->stop(grace, std::move(stopped));
    });
}

}  // namespace scheduler
