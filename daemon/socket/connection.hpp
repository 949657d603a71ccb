#pragma once
/// Connection serves one client of the socket. Two coroutines on one loop share it: one reads
/// lines and starts what they ask for, the other writes the answers in the order of the requests.
/// So writes that a client pipelines wait for one commit together.
///
/// Owned by the server and by the coroutines; replies under way share it as well, since they may
/// come when it has ended. `stop` and `close` may be called on any thread.
///
/// Source: JSON-RPC 2.0; epoll_ctl(2) for EPOLLHUP, by which a client that closed is told from one
/// that has only ended its sending.

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/asio.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/service/caller.hpp"
#include "daemon/socket/limits.hpp"
#include "daemon/socket/line_splitter.hpp"
#include "daemon/socket/method_table.hpp"

namespace scheduler {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Socket = asio::local::stream_protocol::socket;

    /// Bytes in flight of all connections.
    using Total = std::shared_ptr<std::atomic<std::size_t>>;

    /// `socket` lives on a loop that one thread runs.
    Connection(Socket socket,
               Caller caller,
               std::shared_ptr<const Methods> methods,
               const SocketLimits& limits,
               Total total);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// `on_end` is called once, on the loop, when both coroutines have ended.
    void start(std::function<void()> on_end);
    /// Reads no more, ends streams and waits, and ends when what was begun is answered.
    void stop();
    /// Ends at once.
    void close();

  private:
    /// A request from its start until its answer is sent.
    struct Request {
        std::string id;                      ///< as JSON text
        std::size_t bytes = 0;               ///< counted in bytes_in_flight_
        std::optional<std::string> answer;   ///< a whole line
        std::unique_ptr<TextStream> stream;  ///< instead of an answer
        WaitToken wait;                      ///< dropped with the client
        Method::Kind kind = Method::Kind::read;
        bool is_complete = false;  ///< its reply came, or never will
        bool is_over = false;      ///< answered and sent, or dropped
    };
    using RequestPtr = std::shared_ptr<Request>;
    static bool is_write(const Request& request) {
        return request.kind == Method::Kind::write || request.kind == Method::Kind::change;
    }
    /// What a stream gave: an item, its end, an error.
    using Item = Result<std::optional<std::string>>;

    // ---- the reading side: reading.cpp ----
    asio::awaitable<void> read_requests();
    asio::awaitable<void> take_line(std::string_view line);
    void begin(const Method& method, const RpcCall& call, const RequestPtr& request);
    void complete(const RequestPtr& request, Result<std::string> result);
    void open(const Method& method, const RpcCall& call, const RequestPtr& request);
    void refuse(std::string id, const Error& error);
    RequestPtr add_request(std::string id, std::size_t bytes);
    void answer(const RequestPtr& request, std::string line);
    void count_in(std::size_t bytes);
    void count_out(std::size_t bytes);
    [[nodiscard]] bool has_room() const;

    // ---- the writing side: writing.cpp ----
    asio::awaitable<void> write_answers();
    asio::awaitable<void> write_ready_answers();
    asio::awaitable<void> write_stream(RequestPtr request);
    asio::awaitable<void> send(std::string text);
    void request_item(const RequestPtr& request, std::shared_ptr<std::optional<Item>> item);
    void arm_deadline();
    void drop_requests();

    // ---- both ----
    template <class Condition>
    asio::awaitable<void> until(Condition condition);
    void wake() { changed_.cancel(); }
    void on_hangup();
    void end_loop(std::exception_ptr error);

    Socket socket_;
    const Caller caller_;
    const std::shared_ptr<const Methods> methods_;
    const SocketLimits limits_;
    LineSplitter lines_;
    std::deque<RequestPtr> requests_;  ///< in the order of their answers
    std::size_t bytes_in_flight_ = 0;
    const Total total_;
    std::size_t writes_under_way_ = 0;
    bool has_read_all_ = false;  ///< the reading side has ended
    bool is_peer_gone_ = false;  ///< nobody reads answers; what was sent still takes effect
    bool is_stopping_ = false;
    bool is_closed_ = false;
    int loops_ = 2;
    std::function<void()> on_end_;
    asio::steady_timer changed_;   ///< never expires; canceled to wake the coroutines
    asio::steady_timer deadline_;  ///< of one write
    std::uint64_t deadline_turn_ = 0;
};

/// Waits on the loop until the condition, which others make true and then `wake`, holds. It
/// captures references only: g++ 12 destroys twice what a lambda owns that is written into an await
/// expression.
template <class Condition>
asio::awaitable<void> Connection::until(Condition condition) {
    while (!condition()) {
        boost::system::error_code canceled;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, canceled));
    }
}

}  // namespace scheduler
