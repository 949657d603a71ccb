#include "daemon/dispatch/expiry.hpp"

#include <utility>

#include "daemon/base/log.hpp"

namespace scheduler {
namespace {

constexpr Duration retry_after = std::chrono::seconds(1);

}  // namespace

void Expiry::look() {
    if (is_stopped_ || std::exchange(is_looking_, true)) return;
    // What is noted from here on may be newer than the look's picture: it is merged.
    next_.reset();
    ExpiryLimits limits;
    limits.now = parts_.clock.now();
    limits.hindrances = parts_.hindrances();
    Reply<ExpiryResult> reply = [weak = anchor_.weak()](Result<ExpiryResult> result) {
        if (auto* self = weak.get()) self->looked(std::move(result));
    };
    parts_.store.expire(std::move(limits), reply_on<ExpiryResult>(parts_.core, std::move(reply)));
}

void Expiry::looked(Result<ExpiryResult> result) {
    if (!result) {
        log_warning("expiry_failed", {{"error", result.error().message}});
        // Still looking meanwhile: nothing rings.
        return parts_.core.post_after(retry_after, [weak = anchor_.weak()] {
            auto* self = weak.get();
            if (!self) return;
            self->is_looking_ = false;
            self->look();
        });
    }
    is_looking_ = false;
    if (result->jobs > 0) {
        log_info("jobs_expired", {{"jobs", result->jobs}});
        parts_.jobs_ended();
    }
    if (auto found = result->next_expiry; found && (!next_ || *found < *next_)) next_ = found;
    timer_rang();
}

void Expiry::note(TimePoint expires_at) {
    if (next_ && *next_ <= expires_at) return;
    next_ = expires_at;
    timer_rang();
}

/// Whoever rang has used the timer up.
void Expiry::timer_rang() {
    if (is_looking_ || is_stopped_ || !next_) return;
    if (*next_ <= parts_.clock.now()) return look();
    parts_.next_changed();
}

std::optional<TimePoint> Expiry::next() const {
    return is_looking_ || is_stopped_ ? std::nullopt : next_;
}

}  // namespace scheduler
