/// The writing side of a connection: answers in the order of the requests, and the items of
/// streams.

#include <utility>

#include "common/rpc.hpp"
#include "daemon/socket/connection.hpp"

namespace scheduler {
namespace {

/// Answers and items go out together up to about this much.
constexpr std::size_t batch_bytes = std::size_t{64} * 1024;

}  // namespace

asio::awaitable<void> Connection::write_answers() {
    auto self = shared_from_this();
    for (;;) {
        co_await until([this] {
            if (requests_.empty()) return has_read_all_ || is_closed_;
            return requests_.front()->answer || requests_.front()->stream;
        });
        if (requests_.empty()) {
            if (has_read_all_ || is_closed_) break;
            continue;
        }
        RequestPtr front = requests_.front();
        if (front->answer)
            co_await write_ready_answers();
        else
            co_await write_stream(std::move(front));
    }
    close();
}

asio::awaitable<void> Connection::write_ready_answers() {
    std::string batch;
    std::size_t bytes = 0;
    while (!requests_.empty() && requests_.front()->answer && batch.size() < batch_bytes) {
        Request& request = *requests_.front();
        batch += *request.answer;
        bytes += request.bytes;
        request.is_over = true;
        requests_.pop_front();
    }
    // They count until they are sent: a client that does not read is not read from.
    co_await send(std::move(batch));
    count_out(bytes);
    wake();
}

asio::awaitable<void> Connection::write_stream(RequestPtr request) {
    std::string batch;
    for (;;) {
        // Shared with the reply, which may come when this has ended.
        auto item = std::make_shared<std::optional<Item>>();
        request_item(request, item);
        // What is there already comes in one turn of the loop; only then is it worth to wait for
        // more.
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        if (!*item || batch.size() >= batch_bytes) {
            std::string ready = std::exchange(batch, {});
            co_await send(std::move(ready));
        }
        co_await until([&] { return item->has_value() || request->is_over || is_stopping_; });
        if (request->is_over) co_return;
        if (!*item) {
            request->stream->cancel();
            batch +=
                encode_error(request->id, {ErrorCode::unavailable, "the daemon is shutting down"});
            break;
        }
        if (!**item) {
            batch += encode_error(request->id, (**item).error());
            break;
        }
        if (!***item) {
            batch += encode_result(request->id, "{}");
            break;
        }
        batch += encode_item(request->id, ****item);
    }
    co_await send(std::move(batch));
    if (request->is_over) co_return;
    request->is_over = true;
    request->stream.reset();
    count_out(request->bytes);
    requests_.pop_front();
    wake();
}

void Connection::request_item(const RequestPtr& request,
                              std::shared_ptr<std::optional<Item>> item) {
    if (request->is_over) return;
    request->stream->next(socket_.get_executor(),
                          [self = shared_from_this(), item = std::move(item)](Item next) {
                              item->emplace(std::move(next));
                              self->wake();
                          });
}

/// Gives up when the client is gone, or takes nothing until the deadline.
asio::awaitable<void> Connection::send(std::string text) {
    std::string_view rest = text;
    while (!rest.empty() && !is_peer_gone_ && !is_closed_) {
        arm_deadline();
        boost::system::error_code error;
        std::size_t sent =
            co_await socket_.async_write_some(asio::buffer(rest.data(), rest.size()),
                                              asio::redirect_error(asio::use_awaitable, error));
        ++deadline_turn_;
        deadline_.cancel();
        if (error) {
            if (!is_peer_gone_) on_hangup();
            break;
        }
        rest.remove_prefix(sent);
    }
}

void Connection::arm_deadline() {
    deadline_.expires_after(limits_.write_deadline);
    // The timer may have rung while the write came to its end: then the turn has passed.
    deadline_.async_wait(
        [self = shared_from_this(), turn = deadline_turn_](const boost::system::error_code& error) {
            if (!error && turn == self->deadline_turn_) self->close();
        });
}

}  // namespace scheduler
