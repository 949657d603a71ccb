#include "daemon/socket/connection.hpp"

#include <exception>
#include <utility>

#include "daemon/base/log.hpp"

namespace scheduler {

Connection::Connection(Socket socket,
                       Caller caller,
                       std::shared_ptr<const Methods> methods,
                       const SocketLimits& limits,
                       Total total)
    : socket_(std::move(socket)),
      caller_(std::move(caller)),
      methods_(std::move(methods)),
      limits_(limits),
      lines_(limits.line_bytes_max),
      total_(std::move(total)),
      changed_(socket_.get_executor(), asio::steady_timer::time_point::max()),
      deadline_(socket_.get_executor()) {}

Connection::~Connection() {
    count_out(bytes_in_flight_);
}

void Connection::count_in(std::size_t bytes) {
    bytes_in_flight_ += bytes;
    *total_ += bytes;
}

void Connection::count_out(std::size_t bytes) {
    bytes_in_flight_ -= bytes;
    *total_ -= bytes;
}

void Connection::start(std::function<void()> on_end) {
    asio::post(
        socket_.get_executor(), [self = shared_from_this(), on_end = std::move(on_end)]() mutable {
            self->on_end_ = std::move(on_end);
            self->socket_.async_wait(Socket::wait_error,
                                     [self](const boost::system::error_code& error) {
                                         if (!error) self->on_hangup();
                                     });
            auto ended = [self](std::exception_ptr error) { self->end_loop(std::move(error)); };
            auto executor = self->socket_.get_executor();
            asio::co_spawn(executor, self->read_requests(), ended);
            asio::co_spawn(executor, self->write_answers(), ended);
        });
}

void Connection::stop() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->is_closed_) return;
        self->is_stopping_ = true;
        // What was sent before is still read, and refused; then comes the end.
        boost::system::error_code ignored;
        self->socket_.shutdown(Socket::shutdown_receive, ignored);
        Error reason{ErrorCode::unavailable, "the daemon is shutting down"};
        for (const RequestPtr& request : self->requests_)
            if (request->kind == Method::Kind::read && !request->stream)
                self->answer(request, encode_error(request->id, reason));
        self->wake();
    });
}

void Connection::close() {
    asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
        if (std::exchange(self->is_closed_, true)) return;
        boost::system::error_code ignored;
        self->socket_.close(ignored);
        self->drop_requests();
        self->wake();
    });
}

/// The client has closed its end. What it had sent is still in the buffer and takes effect.
void Connection::on_hangup() {
    is_peer_gone_ = true;
    drop_requests();
    wake();
}

void Connection::drop_requests() {
    for (const RequestPtr& request : requests_) {
        if (request->stream) request->stream->cancel();
        request->wait.reset();
        request->is_over = true;
        count_out(request->bytes);
    }
    requests_.clear();
}

void Connection::end_loop(std::exception_ptr error) {
    if (error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& thrown) {
            log_error("connection_failed", {{"error", thrown.what()}});
        }
        close();
    }
    if (--loops_ > 0) return;
    close();
    if (auto on_end = std::exchange(on_end_, nullptr)) on_end();
}

}  // namespace scheduler
