#include "daemon/engine/docker/http_connection.hpp"

#include <cerrno>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

using boost::system::error_code;

error_code last_error() {
    return {errno, boost::system::system_category()};
}

void set_tcp_options(int fd) {
    int on = 1;
    // Both only make it better: without delay, and a peer that vanished is noticed by the event
    // stream.
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

HttpConnection::HttpConnection(asio::io_context& io, const Endpoint& endpoint)
    : endpoint_(endpoint), socket_(io), deadline_(io) {}

error_code HttpConnection::open() {
    int family = endpoint_.protocol().family();
    // Asio's own open() sets no CLOEXEC, and its connect() may block.
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return last_error();
    if (family != AF_UNIX) set_tcp_options(fd.get());
    int result = 0;
    do {
        result = ::connect(fd.get(), endpoint_.data(), static_cast<socklen_t>(endpoint_.size()));
    } while (result != 0 && errno == EINTR);
    // EAGAIN of a Unix socket (its backlog is full: the engine hangs) is an error like the others.
    if (result != 0 && errno != EINPROGRESS) return last_error();
    is_connected_ = result == 0;
    error_code error;
    socket_.assign(Protocol(family, 0), fd.get(), error);
    if (!error) (void)fd.release();
    return error;
}

asio::awaitable<error_code> HttpConnection::finish_connect() {
    auto self = shared_from_this();
    error_code error;
    if (is_connected_) co_return error;
    co_await socket_.async_wait(Protocol::socket::wait_write,
                                asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return error;
    if (!socket_.is_open()) co_return asio::error::operation_aborted;
    int reason = 0;
    socklen_t size = sizeof reason;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &reason, &size) != 0)
        co_return last_error();
    is_connected_ = reason == 0;
    co_return error_code(reason, boost::system::system_category());
}

error_code HttpConnection::send_now(std::string_view bytes, std::size_t& sent) {
    sent = 0;
    while (sent < bytes.size()) {
        auto rest = bytes.substr(sent);
        auto count =
            ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count >= 0) {
            sent += static_cast<std::size_t>(count);
            continue;
        }
        if (errno == EINTR) continue;
        // After a first part the rest's error shows when the exchange goes on; nothing is unsaid
        // then.
        if (errno == EAGAIN || sent > 0) return {};
        return last_error();
    }
    return {};
}

bool HttpConnection::is_stale() {
    if (!socket_.is_open() || read_buffer_.size() > 0) return true;
    char byte = 0;
    ssize_t count = 0;
    do {
        count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    return count >= 0 || errno != EAGAIN;
}

void HttpConnection::set_deadline(std::optional<Duration> after) {
    if (!after) {
        // Not cancel(): an expiry that is queued already would still find its time passed.
        deadline_.expires_at(asio::steady_timer::time_point::max());
        return;
    }
    deadline_.expires_after(*after);
    deadline_.async_wait([weak = weak_from_this()](error_code error) {
        auto self = weak.lock();
        if (error || !self) return;
        // This expiry may have been queued already when a later deadline was set.
        if (self->deadline_.expiry() > std::chrono::steady_clock::now()) return;
        self->has_timed_out_ = true;
        self->close();
    });
}

void HttpConnection::close() {
    error_code ignored;  // the descriptor is gone either way
    socket_.close(ignored);
    set_deadline(std::nullopt);
}

}  // namespace scheduler
