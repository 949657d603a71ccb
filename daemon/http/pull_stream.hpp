#pragma once
/// Pulls a Service's Stream on a connection's loop, one item at a time, and ends it cleanly.
/// Owned by a BodyStream.

#include <memory>

#include "daemon/base/stream.hpp"
#include "daemon/http/session.hpp"

namespace scheduler {

template <class Item>
class PullStream {
  public:
    using Next = Result<std::optional<Item>>;

    PullStream(std::shared_ptr<Session> session, std::unique_ptr<Stream<Item>> stream)
        : session_(std::move(session)), stream_(std::move(stream)) {}

    /// The next item, or nothing at the end, or when the client is gone or the server stops.
    /// Without a value: nothing came until `until`; the same item is still under way.
    asio::awaitable<std::optional<Next>> next(Session::SteadyTime until) {
        if (!pending_) {
            pending_ = std::make_shared<Slot<std::optional<Item>>>();
            stream_->next(session_->reply(pending_));
        }
        bool is_filled = co_await session_->filled(pending_, until);
        if (is_filled) {
            Next item = std::move(*pending_->result);
            pending_.reset();
            co_return std::optional<Next>(std::move(item));
        }
        if (session_->is_ending()) co_return std::optional<Next>(Next(std::optional<Item>()));
        co_return std::optional<Next>();
    }

    /// No reply is under way after it, so that the stream can be destroyed.
    asio::awaitable<void> close() {
        stream_->cancel();
        if (pending_) co_await session_->settled(pending_);
        pending_.reset();
    }

  private:
    std::shared_ptr<Session> session_;
    std::unique_ptr<Stream<Item>> stream_;
    std::shared_ptr<Slot<std::optional<Item>>> pending_;
};

}  // namespace scheduler
