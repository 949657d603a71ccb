#include "daemon/http/connection.hpp"

#include <array>

#include <sys/socket.h>

#include <fmt/format.h>

#include "daemon/base/log.hpp"
#include "daemon/http/exchange.hpp"
#include "daemon/http/guard.hpp"
#include "daemon/http/request_parser.hpp"
#include "daemon/http/routes.hpp"

namespace scheduler {
namespace {

/// What the head alone decides.
struct Admission {
    Target target;
    Caller caller;
    RouteMatch match;
};

class Connection {
  public:
    Connection(std::shared_ptr<Session> session, Service& service, CurrentOptions options)
        : session_(std::move(session)), service_(service), options_(std::move(options)) {}

    asio::awaitable<void> run() {
        for (bool keep = true; keep;) {
            co_await session_->stop_watching();
            is_head_request_ = false;
            auto head_size = co_await session_->read_head();
            if (!head_size)
                keep = co_await send(error_answer(head_size.error()), false);
            else
                keep = *head_size && co_await serve(**head_size);
        }
        co_await session_->finish();
    }

  private:
    /// Serves the request at the front of the buffer. False: the connection ends.
    asio::awaitable<bool> serve(std::size_t head_size) {
        auto head = parse_head(session_->buffer().substr(0, head_size), session_->limits());
        if (!head) co_return co_await send(error_answer(head.error()), false);
        is_head_request_ = head->method == "HEAD";
        is_http_1_0_ = head->is_http_1_0;
        std::size_t size = head_size + head->content_length;

        Admission admission;
        if (auto refusal = look_at(*head, admission)) {
            // A body that is still to come can't be told from the next request without reading it.
            bool is_whole = session_->buffer().size() >= size;
            if (is_whole) session_->consume(size);
            co_return co_await send(std::move(*refusal), head->keep_alive && is_whole);
        }
        if (head->expects_continue && session_->buffer().size() < size)
            if (!co_await session_->write("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
        if (auto read = co_await session_->read_until_size(size); !read)
            co_return co_await send(error_answer(read.error()), false);

        bool keep_alive = head->keep_alive;
        auto body = session_->buffer().substr(head_size, size - head_size);
        auto request = parse_request(std::move(*head), std::move(admission.target), body);
        session_->consume(size);
        if (!request) co_return co_await send(error_answer(request.error()), keep_alive);
        request->path_fields = std::move(admission.match.path_fields);
        Exchange exchange{service_, session_, std::move(*request), std::move(admission.caller)};
        Answer answer = co_await handle(exchange, admission.match.route->handler);
        log_debug("http_request_answered",
                  {{"method", exchange.request.head.method},
                   {"path", exchange.request.target.path},
                   {"status", answer.status},
                   {"caller", exchange.caller.name}});
        co_return co_await send(std::move(answer), keep_alive);
    }

    /// Fills `admission`, or says why not.
    std::optional<Answer> look_at(const RequestHead& head, Admission& admission) {
        auto target = parse_target(head.target);
        if (!target) return error_answer(target.error());
        auto options = options_();
        auto caller = admit(head, *target, *options, session_->local_address());
        if (!caller) return error_answer(caller.error());
        admission.match = match_route(head.method, *target);
        if (!admission.match.route) return answer_without_route(head, *target, admission.match);
        if (head.content_length > 0 && admission.match.route->method == "GET")
            return error_answer(
                {ErrorCode::bad_request,
                 fmt::format("a {} takes no body; put the fields into the query", head.method)});
        admission.target = std::move(*target);
        admission.caller = std::move(*caller);
        return std::nullopt;
    }

    static Answer answer_without_route(const RequestHead& head,
                                       const Target& target,
                                       const RouteMatch& match) {
        if (match.allowed.empty())
            return error_answer(
                {ErrorCode::not_found,
                 fmt::format("there is nothing at {}; GET /openapi.json lists what is",
                             target.path.substr(0, 256))});
        std::string allowed = fmt::format("{}", fmt::join(match.allowed, ", "));
        Answer answer;
        if (head.method == "OPTIONS")
            answer.status = 204;
        else
            answer = error_answer({ErrorCode::method_not_allowed,
                                   fmt::format("{} {} does not exist; allowed are {}",
                                               head.method.substr(0, 32),
                                               target.path.substr(0, 256),
                                               allowed)});
        answer.headers.push_back({"Allow", std::move(allowed)});
        return answer;
    }

    static asio::awaitable<Answer> handle(Exchange& exchange, Handler handler) {
        try {
            co_return co_await handler(exchange);
        } catch (const std::exception& error) {
            log_error("http_handler_failed",
                      {{"path", exchange.request.target.path}, {"error", error.what()}});
        }
        co_return error_answer(
            {ErrorCode::internal, "schedulerd failed at this request; its log says why"});
    }

    /// Writes the answer. False: the connection ends.
    asio::awaitable<bool> send(Answer answer, bool keep_alive) {
        keep_alive = keep_alive && !session_->is_ending();
        service_.metrics().count_http_request(answer.status);
        if (answer.stream) co_return co_await send_stream(std::move(answer), keep_alive);
        std::string text = write_answer(answer, keep_alive, !is_head_request_);
        answer.body = {};  // not held twice while the client reads
        co_return co_await session_->write(std::move(text)) && keep_alive;
    }

    asio::awaitable<bool> send_stream(Answer answer, bool keep_alive) {
        Framing framing = is_http_1_0_ ? Framing::until_end : Framing::chunked;
        bool is_whole = co_await session_->write(write_head(answer, framing, keep_alive));
        if (is_whole && !is_head_request_) is_whole = co_await send_pieces(*answer.stream, framing);
        co_await answer.stream->close();
        // A body that broke off has no last chunk, so that the client can tell.
        if (is_whole && !is_head_request_ && framing == Framing::chunked)
            is_whole = co_await session_->write(std::string(last_chunk));
        co_return is_whole&& keep_alive;
    }

    /// True when the stream came to its end.
    asio::awaitable<bool> send_pieces(BodyStream& stream, Framing framing) {
        for (;;) {
            auto piece = co_await stream.next();
            if (!piece) log_warning("http_stream_broken", {{"error", piece.error().message}});
            if (!piece || session_->is_ending()) co_return false;
            if (!*piece) co_return true;
            std::string text =
                framing == Framing::chunked ? write_chunk(**piece) : std::move(**piece);
            if (!co_await session_->write(std::move(text))) co_return false;
        }
    }

    std::shared_ptr<Session> session_;
    Service& service_;
    CurrentOptions options_;
    bool is_head_request_ = false;
    bool is_http_1_0_ = false;
};

std::string refusal_text() {
    return write_answer(
        error_answer({ErrorCode::busy, "there are too many connections; try again in a moment"}),
        false);
}

}  // namespace

asio::awaitable<void> serve_connection(std::shared_ptr<Session> session,
                                       Service& service,
                                       CurrentOptions options) {
    Connection connection(std::move(session), service, std::move(options));
    co_await connection.run();
}

asio::awaitable<void> refuse_connection(std::shared_ptr<Session> session) {
    co_await session->write(refusal_text());
    co_await session->finish();
}

void refuse_at_once(int fd) {
    // What came is read, since closing with unread bytes resets the connection and may destroy the
    // answer.
    constexpr int reads_max = 4;
    std::array<char, 4096> ignored{};
    std::string text = refusal_text();
    (void)::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(fd, SHUT_WR);
    for (int i = 0; i < reads_max; ++i)
        if (::recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) return;
}

}  // namespace scheduler
