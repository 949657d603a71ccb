#pragma once
/// sure_reply: a Reply that is always answered. When it is destroyed without a call, its `complete`
/// hears that the daemon is shutting down (`unavailable`), or, while an exception flies, that it
/// failed
/// (`internal`). `complete` is called once, on the thread that calls or destroys the reply, and
/// must not throw.

#include <exception>
#include <optional>
#include <utility>

#include "daemon/base/reply.hpp"

namespace scheduler {

namespace detail {

template <class T, class Complete>
class SureReply {
  public:
    explicit SureReply(Complete complete) : complete_(std::move(complete)) {}
    SureReply(SureReply&& other) noexcept : complete_(std::move(other.complete_)) {
        other.complete_.reset();
    }
    SureReply& operator=(SureReply&&) = delete;
    ~SureReply() {
        if (!complete_) return;
        if (std::uncaught_exceptions() > 0)
            finish(
                fail(ErrorCode::internal, "the daemon failed at this request; its log says why"));
        else
            finish(fail(ErrorCode::unavailable, "the daemon is shutting down"));
    }

    void operator()(Result<T> result) { finish(std::move(result)); }

  private:
    void finish(Result<T> result) {
        Complete complete = std::move(*complete_);
        complete_.reset();
        complete(std::move(result));
    }

    std::optional<Complete> complete_;
};

}  // namespace detail

template <class T, class Complete>
Reply<T> sure_reply(Complete complete) {
    return detail::SureReply<T, Complete>(std::move(complete));
}

}  // namespace scheduler
