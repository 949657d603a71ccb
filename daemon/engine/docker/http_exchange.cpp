#include "daemon/engine/docker/http_exchange.hpp"

#include <array>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace scheduler {
namespace {

using boost::system::error_code;

/// Reads one answer. Lives in the frame of finish_exchange.
class AnswerReader {
  public:
    explicit AnswerReader(HttpExchange& exchange)
        : exchange_(exchange), connection_(*exchange.connection) {
        parser_.header_limit(EngineHttpLimits::header_bytes);
        // Parts are counted by take(). Beast 1.74 takes boost::none for 0 where there is a length.
        parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    }

    asio::awaitable<error_code> read() {
        error_code error = co_await read_head();
        if (error || exchange_.is_dropped) co_return error;
        take_head();
        while (!parser_.is_done()) {
            if (is_streamed_ && !co_await has_leave_to_read()) co_return error;
            error = co_await read_part();
            if (error || exchange_.is_dropped) co_return error;
            if (!take(part())) co_return refused_;
        }
        exchange_.is_reusable = parser_.keep_alive() && connection_.read_buffer().size() == 0;
        co_return error;
    }

  private:
    asio::awaitable<error_code> read_head() {
        error_code error;
        auto count =
            co_await http::async_read_header(connection_.socket(),
                                             connection_.read_buffer(),
                                             parser_,
                                             asio::redirect_error(asio::use_awaitable, error));
        exchange_.has_answer_begun =
            count > 0 || connection_.read_buffer().size() > 0 || parser_.got_some();
        co_return error;
    }

    void take_head() {
        const auto& head = parser_.get();
        exchange_.answer.status = static_cast<int>(head.result_int());
        exchange_.answer.api_version = std::string(head["Api-Version"]);
        exchange_.answer.is_podman = head.find("Libpod-Api-Version") != head.end();
        is_success_ = head.result_int() < 300;
        is_streamed_ = is_success_ && exchange_.request.on_body;
        if (is_success_ && exchange_.request.on_open) exchange_.request.on_open();
    }

    /// Waits for the gate; false when the exchange was dropped meanwhile. The connection fills up,
    /// and the engine waits: that is no silence of its own.
    asio::awaitable<bool> has_leave_to_read() {
        const auto& gate = exchange_.request.gate;
        while (gate && !gate->is_open()) {
            connection_.set_deadline(std::nullopt);
            auto& pause = exchange_.pause.emplace(connection_.socket().get_executor());
            pause.expires_at(asio::steady_timer::time_point::max());
            gate->when_open([weak = exchange_.weak_from_this()] {
                if (auto exchange = weak.lock(); exchange && exchange->pause)
                    exchange->pause->cancel();
            });
            error_code woken;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if (exchange_.is_dropped) co_return false;
        }
        co_return true;
    }

    /// Some of the body. What was read already is parsed in place: engines send each line of output
    /// as a chunk of its own, and a turn of the loop for each would cost more than all else.
    asio::awaitable<error_code> read_part() {
        auto& buffer = connection_.read_buffer();
        parser_.get().body().data = part_.data();
        parser_.get().body().size = part_.size();
        for (;;) {
            error_code error;
            while (buffer.size() > 0 && !error && !parser_.is_done())
                buffer.consume(parser_.put(buffer.data(), error));
            if (error && error != http::error::need_more && error != http::error::need_buffer)
                co_return error;
            if (!part().empty() || parser_.is_done()) co_return error_code();
            if (is_streamed_) connection_.set_deadline(exchange_.request.silence_timeout);
            auto space = buffer.prepare(part_bytes);
            buffer.commit(co_await connection_.socket().async_read_some(
                space, asio::redirect_error(asio::use_awaitable, error)));
            if (error == asio::error::eof) parser_.put_eof(error);
            if (error || parser_.is_done()) co_return error;
        }
    }

    [[nodiscard]] std::string_view part() {
        return {part_.data(), part_.size() - parser_.get().body().size};
    }

    /// False ends the reading; `refused_` says whether that is an error.
    bool take(std::string_view bytes) {
        if (bytes.empty()) return true;
        auto& answer = exchange_.answer;
        if (is_streamed_) {
            answer.was_stopped = !exchange_.request.on_body(bytes);
            return !answer.was_stopped;
        }
        auto limit =
            is_success_ ? EngineHttpLimits::body_bytes : EngineHttpLimits::error_body_bytes;
        auto space = limit - answer.body.size();
        answer.body += bytes.substr(0, space);
        if (bytes.size() <= space) return true;
        // Of an error its beginning is enough; half an answer is none.
        if (is_success_) refused_ = http::error::body_limit;
        return false;
    }

    struct Parser : http::response_parser<http::buffer_body> {
        [[nodiscard]] bool got_some() const { return http::basic_parser<false>::got_some(); }
    };

    static constexpr std::size_t part_bytes = 32 * 1024;

    HttpExchange& exchange_;
    HttpConnection& connection_;
    Parser parser_;
    std::array<char, part_bytes> part_{};
    bool is_success_ = false;
    bool is_streamed_ = false;
    error_code refused_;
};

std::string describe(const error_code& error) {
    if (error == asio::error::eof || error == http::error::end_of_stream ||
        error == http::error::partial_message || error == asio::error::connection_reset ||
        error == asio::error::broken_pipe)
        return "it closed the connection";
    if (error == http::error::body_limit)
        return fmt::format("its answer is larger than {} MiB", EngineHttpLimits::body_bytes >> 20U);
    if (error.category() == make_error_code(http::error::bad_version).category())
        return "its answer is no HTTP (" + error.message() + ')';
    return error.message();
}

/// What to look at when no connection came about.
std::string_view advice(const error_code& error, bool has_timed_out) {
    if (has_timed_out || error == asio::error::would_block) return "; does it hang?";
    if (error == asio::error::access_denied) return "; may this user use it (group docker)?";
    if (error == asio::error::connection_refused ||
        error == boost::system::errc::no_such_file_or_directory)
        return " (is it running?)";
    return "";
}

}  // namespace

std::string serialize(const EngineRequest& request, const EngineAddress& address) {
    bool is_tcp = address.kind() == EngineAddress::Kind::tcp;
    std::string bytes = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: schedulerd/{}\r\n",
        request.method,
        request.target,
        is_tcp ? address.to_string().substr(std::string_view("tcp://").size()) : "docker",
        SCHEDULER_VERSION);
    if (!request.body.empty()) bytes += "Content-Type: application/json\r\n";
    if (request.method != "GET")
        bytes += fmt::format("Content-Length: {}\r\n", request.body.size());
    bytes += "\r\n";
    bytes += request.body;
    return bytes;
}

void drop_exchange(HttpExchange& exchange) {
    exchange.is_dropped = true;
    exchange.connection->close();
    if (exchange.pause) exchange.pause->cancel();
}

asio::awaitable<void> finish_exchange(std::shared_ptr<HttpExchange> exchange) {
    auto connection = exchange->connection;
    exchange->error = co_await connection->finish_connect();
    if (!exchange->error && exchange->sent < exchange->bytes.size()) {
        auto rest = asio::buffer(exchange->bytes) + exchange->sent;
        exchange->sent += co_await asio::async_write(
            connection->socket(), rest, asio::redirect_error(asio::use_awaitable, exchange->error));
    }
    if (!exchange->error) {
        AnswerReader reader(*exchange);
        exchange->error = co_await reader.read();
    }
    connection->set_deadline(std::nullopt);
}

std::string describe_no_answer(const HttpExchange& exchange) {
    std::string address = exchange.peer->address.to_string();
    const auto& connection = exchange.connection;
    bool has_timed_out = connection && connection->has_timed_out();
    if (!connection || !connection->is_connected())
        return fmt::format("can't reach the engine at {}: {}{}",
                           address,
                           has_timed_out ? "timed out" : exchange.error.message(),
                           advice(exchange.error, has_timed_out));
    std::string_view target = std::string_view(exchange.request.target);
    target = target.substr(0, target.find('?'));
    if (has_timed_out) {
        auto limit = exchange.request.on_body && exchange.answer.status != 0
                         ? exchange.request.silence_timeout
                         : exchange.request.timeout;
        return fmt::format("the engine at {} did not answer {} {} within {:g} s",
                           address,
                           exchange.request.method,
                           target,
                           static_cast<double>(limit.value_or(Duration(0)).count()) / 1000);
    }
    return fmt::format("the engine at {} gave no whole answer to {} {}: {}",
                       address,
                       exchange.request.method,
                       target,
                       describe(exchange.error));
}

}  // namespace scheduler
