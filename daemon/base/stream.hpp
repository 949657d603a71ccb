#pragma once
/// Stream<Item>: answers without a known end (logs, events), pulled one item at a time, so that a
/// slow reader costs nothing: the consumer asks for the next item when it has written the last one.

#include <optional>

#include "daemon/base/reply.hpp"

namespace scheduler {

template <class Item>
class Stream {
  public:
    virtual ~Stream() = default;
    /// Replies, on any thread, with the next item, or with nothing at the end. One call at a time.
    virtual void next(Reply<std::optional<Item>> reply) = 0;
    /// Ends the stream: a pending `next` is answered with nothing. Any thread; may be called twice.
    virtual void cancel() = 0;
};

}  // namespace scheduler
