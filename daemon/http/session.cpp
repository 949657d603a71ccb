#include "daemon/http/session.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

using boost::system::error_code;

constexpr std::size_t read_bytes = 8 * 1024;
constexpr std::chrono::seconds surely_idle_after{1};
/// What is read and thrown away after an answer that ends the connection.
constexpr std::size_t lingering_bytes_max = 16 * 1024 * 1024;
constexpr std::chrono::seconds lingering_time{2};

/// A client that went away without a word, or that closed while an answer was waited for, is found
/// by TCP's own probes: they are answered by a reset, at the latest when the client's system has
/// forgotten the connection (tcp(7), tcp_fin_timeout: 60 s).
constexpr int probe_after_seconds = 30;
constexpr int probe_every_seconds = 15;
constexpr int probes = 4;

void probe_when_silent(Session::Socket& socket) {
    error_code ignored;  // an option that can't be set leaves the system's long times in force
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    for (auto [name, value] : {std::pair(TCP_KEEPIDLE, probe_after_seconds),
                               std::pair(TCP_KEEPINTVL, probe_every_seconds),
                               std::pair(TCP_KEEPCNT, probes)})
        (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
}

std::string local_address_of(const Session::Socket& socket) {
    error_code error;
    auto endpoint = socket.local_endpoint(error);
    return error ? std::string() : endpoint.address().to_string();
}

/// Counted as long as it lives, however its coroutine ends.
class Counted {
  public:
    Counted(std::atomic<std::size_t>& sum, std::size_t bytes) : sum_(sum), bytes_(bytes) {
        sum_ += bytes_;
    }
    ~Counted() { sum_ -= bytes_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::atomic<std::size_t>& sum_;
    const std::size_t bytes_;
};

}  // namespace

Session::Session(Socket socket, const HttpLimits& limits, Untaken untaken)
    : socket_(std::move(socket)),
      limits_(limits),
      untaken_(std::move(untaken)),
      local_address_(local_address_of(socket_)),
      piece_(std::make_unique_for_overwrite<char[]>(read_bytes)),
      timer_(socket_.get_executor()),
      bell_(socket_.get_executor()) {
    error_code ignored;  // an option that can't be set costs speed, nothing else
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    probe_when_silent(socket_);
}

asio::awaitable<Result<std::optional<std::size_t>>> Session::read_head() {
    HeadScanner scanner;
    bool has_begun = !buffer_.empty();
    allow(has_begun ? limits_.head : limits_.idle);
    for (;;) {
        // An empty line before a request is skipped (RFC 9112 section 2.2).
        while (buffer_.compare(0, 2, "\r\n") == 0)
            buffer_.erase(0, 2);
        if (!buffer_.empty() && buffer_ != "\r") {
            auto size = scanner.scan(buffer_, limits_);
            if (!size || *size) {
                disarm();
                co_return size;
            }
            if (!std::exchange(has_begun, true)) allow(limits_.head);
        }
        set_idle(buffer_.empty());
        if (is_idle_ && is_stopping_) co_return std::optional<std::size_t>();
        auto error = co_await read_more(limits_.head_bytes -
                                        std::min(buffer_.size(), limits_.head_bytes - 1));
        set_idle(false);
        if (!error) continue;
        disarm();
        if (is_past_deadline_ && !buffer_.empty())
            co_return fail(
                ErrorCode::bad_request,
                fmt::format("the request's head did not come within {} ms", limits_.head.count()));
        co_return std::optional<std::size_t>();
    }
}

asio::awaitable<Result<Done>> Session::read_until_size(std::size_t size) {
    allow(limits_.body);
    while (buffer_.size() < size) {
        auto error = co_await read_more(size - buffer_.size());
        if (!error) continue;
        disarm();
        if (is_past_deadline_)
            co_return fail(
                ErrorCode::bad_request,
                fmt::format("the request's body did not come within {} ms", limits_.body.count()));
        co_return fail(ErrorCode::bad_request,
                       "the request's body ended before its Content-Length");
    }
    disarm();
    co_return Done{};
}

asio::awaitable<error_code> Session::read_more(std::size_t size_max) {
    error_code error;
    std::size_t count =
        co_await socket_.async_read_some(asio::buffer(piece_.get(), std::min(size_max, read_bytes)),
                                         asio::redirect_error(asio::use_awaitable, error));
    buffer_.append(piece_.get(), count);
    co_return error;
}

asio::awaitable<bool> Session::write(std::string text) {
    const Counted counted(*untaken_, text.size());
    error_code error;
    allow(limits_.write);
    active_at_ = std::chrono::steady_clock::now();
    co_await asio::async_write(
        socket_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
    disarm();
    if (error) is_gone_ = true;
    co_return !error;
}

asio::awaitable<void> Session::finish() {
    co_await stop_watching();
    error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    if (!error && !is_gone_) {
        allow(lingering_time);
        std::size_t read = 0;
        while (!error && read < lingering_bytes_max) {
            read += co_await socket_.async_read_some(
                asio::buffer(watched_), asio::redirect_error(asio::use_awaitable, error));
        }
        disarm();
    }
    socket_.close(error);
}

void Session::allow(std::chrono::milliseconds time) {
    is_past_deadline_ = false;
    deadline_at_ = std::chrono::steady_clock::now() + time;
    if (!timer_at_ || *timer_at_ > *deadline_at_) set_timer(*deadline_at_);
}

void Session::set_timer(SteadyTime at) {
    timer_at_ = at;
    timer_.expires_at(at);
    timer_.async_wait([weak = weak_from_this(), at](error_code error) {
        auto self = weak.lock();
        if (error || !self || self->timer_at_ != at) return;
        self->timer_at_.reset();
        self->on_timer();
    });
}

void Session::on_timer() {
    if (!deadline_at_) return;
    if (std::chrono::steady_clock::now() < *deadline_at_) return set_timer(*deadline_at_);
    is_past_deadline_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

asio::awaitable<void> Session::wait_for_bell(SteadyTime until) {
    error_code ignored;  // rung, or the time is over: the caller looks at what it waits for
    bell_.expires_at(until);
    co_await bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Session::set_idle(bool is_idle) {
    is_idle_ = is_idle;
    idle_since_ = is_idle ? active_at_.time_since_epoch().count() : 0;
}

void Session::watch(ClientEnd end) {
    if (half_closed_since_ != 0) return;
    if (is_watching_ || is_gone_ || buffer_.size() >= watched_bytes_max) return;
    is_watching_ = true;
    socket_.async_read_some(asio::buffer(watched_),
                            [self = shared_from_this(), end](error_code error, std::size_t count) {
                                self->is_watching_ = false;
                                self->buffer_.append(self->watched_.data(),
                                                     count);  // pipelined requests, for later
                                if (!error)
                                    self->watch(end);
                                else if (error == asio::error::eof && end == ClientEnd::is_reset)
                                    self->watch_for_reset();
                                else if (error != asio::error::operation_aborted)
                                    self->is_gone_ = true;
                                self->ring();
                            });
}

void Session::watch_for_reset() {
    half_closed_since_ = std::chrono::steady_clock::now().time_since_epoch().count();
    is_watching_ = true;
    socket_.async_wait(Socket::wait_error, [self = shared_from_this()](error_code error) {
        self->is_watching_ = false;
        if (!error) self->is_gone_ = true;
        self->ring();
    });
}

asio::awaitable<void> Session::stop_watching() {
    while (is_watching_) {
        error_code ignored;
        socket_.cancel(ignored);
        co_await wait_for_bell(SteadyTime::max());
    }
}

Session::Spare Session::spare() const {
    if (auto since = idle_since_.load(); since != 0) {
        auto idle_for =
            std::chrono::steady_clock::now().time_since_epoch() - SteadyTime::duration(since);
        return {idle_for < surely_idle_after ? Spare::Kind::just_idle : Spare::Kind::idle, since};
    }
    if (auto since = half_closed_since_.load(); since != 0)
        return {Spare::Kind::half_closed, since};
    return {};
}

void Session::leave(UniqueFunction<void()> stays) {
    asio::post(executor(), [self = shared_from_this(), stays = std::move(stays)]() mutable {
        if (self->spare().kind == Spare::Kind::no) return stays();
        self->is_gone_ = true;
        error_code ignored;
        self->socket_.close(ignored);
        self->ring();
    });
}

void Session::stop() {
    asio::post(executor(), [self = shared_from_this()] {
        self->is_stopping_ = true;
        error_code ignored;
        if (self->is_idle_) self->socket_.cancel(ignored);
        self->ring();
    });
}

void Session::close() {
    asio::post(executor(), [self = shared_from_this()] {
        self->is_stopping_ = true;
        self->is_gone_ = true;
        error_code ignored;
        self->socket_.close(ignored);
        self->ring();
    });
}

}  // namespace scheduler
