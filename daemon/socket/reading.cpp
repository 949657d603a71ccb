/// The reading side of a connection: from bytes to requests that are under way.

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "common/rpc.hpp"
#include "daemon/base/log.hpp"
#include "daemon/socket/connection.hpp"

namespace scheduler {
namespace {

constexpr std::size_t piece_bytes = std::size_t{16} * 1024;

bool is_blank(std::string_view line) {
    return std::all_of(
        line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

const Error shutting_down{ErrorCode::unavailable, "the daemon is shutting down"};
const Error failed_inside{ErrorCode::internal,
                          "the daemon failed at this request; its log says why"};

}  // namespace

asio::awaitable<void> Connection::read_requests() {
    auto self = shared_from_this();
    std::array<char, piece_bytes> piece;
    while (!is_closed_ && !lines_.is_overlong()) {
        boost::system::error_code error;
        std::size_t got = co_await socket_.async_read_some(
            asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        lines_.feed(std::string_view(piece.data(), got));
        while (auto line = lines_.next())
            co_await take_line(*line);
    }
    if (lines_.is_overlong())
        refuse("null",
               {ErrorCode::too_large,
                fmt::format("a line may have {} bytes; send long lists of jobs in parts",
                            limits_.line_bytes_max)});
    else
        co_await take_line(lines_.rest());  // the last line may lack its newline
    has_read_all_ = true;
    wake();
}

asio::awaitable<void> Connection::take_line(std::string_view line) {
    if (is_blank(line)) co_return;
    co_await until([this] { return has_room() || is_closed_; });
    if (is_closed_) co_return;
    auto call = parse_call(line);
    if (!call) {
        refuse(std::move(call.error().id), call.error().error);
        co_return;
    }
    auto method = find_method(*methods_, *call);
    if (!method) {
        refuse(call->id, method.error());
        co_return;
    }
    // A read sees the writes before it.
    if ((*method)->kind != Method::Kind::write || call->has_origin)
        co_await until([this] { return writes_under_way_ == 0 || is_closed_; });
    if (is_closed_) co_return;
    // Nobody hears the answer. Writes take effect all the same.
    bool only_answers =
        (*method)->kind == Method::Kind::read || (*method)->kind == Method::Kind::stream;
    if (is_peer_gone_ && only_answers) co_return;
    if (is_stopping_) {
        refuse(call->id, shutting_down);
        co_return;
    }
    auto request = add_request(call->id, line.size());
    request->kind = (*method)->kind;
    if (request->kind == Method::Kind::stream) {
        open(**method, *call, request);
        co_await until([this, &request] { return request->is_over || is_closed_; });
    } else {
        begin(**method, *call, request);
        if ((*method)->is_setting)
            co_await until([this] { return writes_under_way_ == 0 || is_closed_; });
        // A read was done in place: now it is another connection's turn.
        if (request->kind == Method::Kind::read)
            co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    }
}

void Connection::begin(const Method& method, const RpcCall& call, const RequestPtr& request) {
    if (is_write(*request)) ++writes_under_way_;
    auto reply = [self = shared_from_this(), request](Result<std::string> result) {
        self->complete(request, std::move(result));
    };
    try {
        auto wait = method.begin(call, caller_, socket_.get_executor(), std::move(reply));
        if (!request->is_over) request->wait = std::move(wait);
    } catch (const std::exception& error) {
        log_error("request_failed", {{"method", call.method}, {"error", error.what()}});
        complete(request, fail(failed_inside));
    }
}

/// Once: after a call that threw, its reply may still come.
void Connection::complete(const RequestPtr& request, Result<std::string> result) {
    if (std::exchange(request->is_complete, true)) return;
    if (is_write(*request)) --writes_under_way_;
    answer(
        request,
        result ? encode_result(request->id, *result) : encode_error(request->id, result.error()));
    wake();
}

void Connection::open(const Method& method, const RpcCall& call, const RequestPtr& request) {
    try {
        auto stream = method.open(call, caller_);
        if (!stream) return answer(request, encode_error(request->id, stream.error()));
        if (request->is_over) return (*stream)->cancel();
        request->stream = std::move(*stream);
        wake();
    } catch (const std::exception& error) {
        log_error("request_failed", {{"method", call.method}, {"error", error.what()}});
        answer(request, encode_error(request->id, failed_inside));
    }
}

void Connection::refuse(std::string id, const Error& error) {
    auto request = add_request(std::move(id), 0);
    auto line = encode_error(request->id, error);
    answer(request, std::move(line));
}

Connection::RequestPtr Connection::add_request(std::string id, std::size_t bytes) {
    auto request = std::make_shared<Request>();
    request->id = std::move(id);
    if (is_peer_gone_ || is_closed_) {
        request->is_over = true;
        return request;
    }
    request->bytes = bytes;
    count_in(bytes);
    requests_.push_back(request);
    return request;
}

/// The first answer counts: at the end of the daemon a wait is answered before its reply comes.
void Connection::answer(const RequestPtr& request, std::string line) {
    if (request->is_over || request->answer) return;
    request->bytes += line.size();
    count_in(line.size());
    request->answer = std::move(line);
    wake();
}

bool Connection::has_room() const {
    return requests_.size() < limits_.requests_in_flight_max &&
           bytes_in_flight_ < limits_.bytes_in_flight_max &&
           (bytes_in_flight_ == 0 || *total_ < limits_.total_bytes_in_flight_max);
}

}  // namespace scheduler
