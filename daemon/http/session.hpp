#pragma once
/// Session: one connection's socket with its deadlines, its read buffer, and the waiting for
/// replies that come from other threads. It knows bytes and heads, no routes. Lives on its loop,
/// but for `stop`, `close` and what `reply` returns, which any thread may call. Shared: by the
/// connection's coroutine, by replies under way and by the server's list.

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "daemon/base/asio.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/http/head.hpp"

namespace scheduler {

/// A place for one result that another thread will bring.
template <class T>
struct Slot {
    std::optional<Result<T>> result;
};

/// What of a client's end ends a wait: that it sends no more (it may be gone, or it may have closed
/// its half only), or that the connection is broken.
enum class ClientEnd { sends_no_more, is_reset };

class Session : public std::enable_shared_from_this<Session> {
  public:
    using Socket = asio::ip::tcp::socket;
    using SteadyTime = std::chrono::steady_clock::time_point;
    /// Bytes of answers that are being written, of all sessions.
    using Untaken = std::shared_ptr<std::atomic<std::size_t>>;

    Session(Socket socket, const HttpLimits& limits, Untaken untaken);

    [[nodiscard]] const HttpLimits& limits() const { return limits_; }
    /// The IP address that the client connected to.
    [[nodiscard]] const std::string& local_address() const { return local_address_; }
    [[nodiscard]] asio::any_io_executor executor() { return socket_.get_executor(); }

    // ---- reading ----
    /// Waits for a whole head, at most `idle` for its first byte and `head` for the rest. Its size,
    /// or nothing when the client ended the connection or kept silent. Errors: those of
    /// HeadScanner; bad_request when the rest does not come in time.
    asio::awaitable<Result<std::optional<std::size_t>>> read_head();
    /// Reads until the buffer holds `size` bytes. Errors: bad_request when they don't come in time.
    asio::awaitable<Result<Done>> read_until_size(std::size_t size);
    [[nodiscard]] std::string_view buffer() const { return buffer_; }
    void consume(std::size_t size) { buffer_.erase(0, size); }

    // ---- writing ----
    /// False when the client is gone or reads nothing for `limits().write`.
    asio::awaitable<bool> write(std::string text);
    /// Whether clients read well enough for a large answer to be made.
    [[nodiscard]] bool has_room() const { return *untaken_ < limits_.untaken_bytes; }
    /// Ends the connection so that a client that still sends sees our last answer: closing with
    /// unread bytes would reset the connection and destroy it (RFC 9112 section 9.6).
    asio::awaitable<void> finish();

    // ---- waiting ----
    /// A reply that fills the slot on the loop. One that is destroyed without a call fills it
    /// with `unavailable`: whoever should have answered was shut down.
    template <class T>
    Reply<T> reply(std::shared_ptr<Slot<T>> slot);
    /// Waits until the slot is filled, at most until `until`. False when it is not: it is late, the
    /// client went away, or the server stops.
    template <class T>
    asio::awaitable<bool> filled(std::shared_ptr<Slot<T>> slot,
                                 SteadyTime until = SteadyTime::max(),
                                 ClientEnd end = ClientEnd::sends_no_more);
    /// Waits until the slot is filled, whatever happens to the client.
    template <class T>
    asio::awaitable<void> settled(std::shared_ptr<Slot<T>> slot);
    /// Ends the watch for the client's end, which `filled` may have begun. Before the next read.
    asio::awaitable<void> stop_watching();

    [[nodiscard]] bool is_ending() const { return is_gone_ || is_stopping_; }
    [[nodiscard]] bool is_stopping() const { return is_stopping_; }

    // ---- giving way to others ----
    /// How dispensable it is. Any thread.
    struct Spare {
        /// Idle between requests, or waiting for a client that sends no more and may be gone. One
        /// that is idle for less than a second is likely to have a request on its way.
        enum class Kind { no, just_idle, half_closed, idle };
        Kind kind = Kind::no;
        std::chrono::steady_clock::rep since = 0;
    };
    [[nodiscard]] Spare spare() const;
    /// Ends it now if it is still dispensable; else it stays, and `stays` is called on its loop.
    void leave(UniqueFunction<void()> stays);

    /// The request under way is the last one; an idle connection ends now, streams and waits too.
    void stop();
    /// Ends everything now.
    void close();

  private:
    static constexpr std::size_t watched_bytes_max = 64 * 1024;
    /// Replies faster than this are not worth the watch for the client's end.
    static constexpr std::chrono::milliseconds quick = std::chrono::milliseconds(100);

    /// Cancels what the socket does after `time`, and remembers that it was the deadline. The timer
    /// is set anew only when it would ring too late: deadlines come often and pass seldom.
    void allow(std::chrono::milliseconds time);
    void disarm() { deadline_at_.reset(); }
    void set_timer(SteadyTime at);
    void on_timer();
    asio::awaitable<boost::system::error_code> read_more(std::size_t size_max);
    asio::awaitable<void> wait_for_bell(SteadyTime until);
    void ring() { bell_.cancel(); }
    void watch(ClientEnd end);
    void watch_for_reset();
    void set_idle(bool is_idle);

    Socket socket_;
    const HttpLimits limits_;
    const Untaken untaken_;
    std::string local_address_;
    std::string buffer_;             ///< what came and was not consumed
    std::unique_ptr<char[]> piece_;  ///< what the socket reads into
    asio::steady_timer timer_;       ///< of the deadline
    std::optional<SteadyTime> timer_at_;
    std::optional<SteadyTime> deadline_at_;
    bool is_past_deadline_ = false;
    asio::steady_timer bell_;  ///< canceled whenever something that a wait looks at has changed
    std::array<char, 2048> watched_{};
    bool is_watching_ = false;
    bool is_idle_ = false;
    /// When it was accepted or last answered: before its client knew, so that loops agree on who
    /// was first.
    SteadyTime active_at_ = std::chrono::steady_clock::now();
    std::atomic<std::chrono::steady_clock::rep> idle_since_{0};         ///< 0: it is not idle
    std::atomic<std::chrono::steady_clock::rep> half_closed_since_{0};  ///< 0: it is not
    bool is_gone_ = false;
    bool is_stopping_ = false;
};

// ---- templates ----

/// Fills a slot exactly once, from any thread, also by being destroyed.
template <class T>
class SlotFiller {
  public:
    SlotFiller(std::shared_ptr<Session> session,
               std::shared_ptr<Slot<T>> slot,
               UniqueFunction<void()> ring)
        : session_(std::move(session)), slot_(std::move(slot)), ring_(std::move(ring)) {}
    SlotFiller(SlotFiller&&) noexcept = default;
    SlotFiller(const SlotFiller&) = delete;
    SlotFiller& operator=(const SlotFiller&) = delete;
    SlotFiller& operator=(SlotFiller&&) = delete;
    ~SlotFiller() {
        if (session_) fill(fail(ErrorCode::unavailable, "schedulerd is shutting down; try again"));
    }
    void operator()(Result<T> result) { fill(std::move(result)); }

  private:
    void fill(Result<T> result) {
        auto session = std::exchange(session_, nullptr);
        auto executor = session->executor();
        asio::post(executor,
                   [session = std::move(session),
                    slot = std::move(slot_),
                    ring = std::move(ring_),
                    result = std::move(result)]() mutable {
                       slot->result = std::move(result);
                       ring();
                   });
    }
    std::shared_ptr<Session> session_;
    std::shared_ptr<Slot<T>> slot_;
    UniqueFunction<void()> ring_;
};

template <class T>
Reply<T> Session::reply(std::shared_ptr<Slot<T>> slot) {
    return SlotFiller<T>(shared_from_this(), std::move(slot), [this] { ring(); });
}

template <class T>
asio::awaitable<bool> Session::filled(std::shared_ptr<Slot<T>> slot,
                                      SteadyTime until,
                                      ClientEnd end) {
    auto watch_from = std::min(until, std::chrono::steady_clock::now() + quick);
    while (!slot->result && !is_ending() && std::chrono::steady_clock::now() < watch_from)
        co_await wait_for_bell(watch_from);
    if (!slot->result && !is_ending()) watch(end);
    while (!slot->result && !is_ending() && std::chrono::steady_clock::now() < until)
        co_await wait_for_bell(until);
    co_return slot->result.has_value();
}

template <class T>
asio::awaitable<void> Session::settled(std::shared_ptr<Slot<T>> slot) {
    while (!slot->result)
        co_await wait_for_bell(SteadyTime::max());
}

}  // namespace scheduler
