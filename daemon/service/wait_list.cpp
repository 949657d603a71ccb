#include "daemon/service/wait_list.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/base/failpoint.hpp"

namespace scheduler {

WaitToken WaitList::add(JobId job, Duration longest, Reply<Job> reply) {
    auto wait = std::make_shared<Wait>(Wait{job, std::move(reply), nullptr, std::nullopt});
    std::weak_ptr weak_wait = wait;
    auto watch = events_.watch(job, [weak = weak_from_this(), weak_wait] {
        if (auto self = weak.lock(); self && !mutated("forgets_waiters"))
            self->timers_.post([weak, weak_wait] {
                if (auto list = weak.lock()) list->look(weak_wait);
            });
    });
    if (!watch) {
        wait->reply(fail(watch.error()));
        return nullptr;
    }
    wait->watch = std::move(*watch);
    {
        std::lock_guard lock(mutex_);
        wait->place = waits_.emplace(clock_.steady() + longest, wait);
    }
    arm();
    // It may have ended between the caller's look and the watch.
    look(weak_wait);
    return WaitToken(wait.get(), [weak = weak_from_this(), weak_wait](const void*) {
        auto list = weak.lock();
        auto dropped = weak_wait.lock();
        if (list && dropped) list->take(*dropped);
    });
}

void WaitList::look(const std::weak_ptr<Wait>& weak_wait) {
    auto wait = weak_wait.lock();
    if (!wait) return;
    auto job = store_.find(JobRef{wait->job.to_string()}, "");
    if (job && !has_ended(job->status)) return;
    if (take(*wait)) wait->reply(std::move(job));
}

void WaitList::arm() {
    Duration delay{};
    {
        std::lock_guard lock(mutex_);
        if (waits_.empty() || armed_for_ <= waits_.begin()->first) return;
        armed_for_ = waits_.begin()->first;
        delay = std::max(Duration(0), armed_for_ - clock_.steady());
    }
    timers_.post_after(delay, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->expire();
    });
}

void WaitList::expire() {
    std::vector<std::shared_ptr<Wait>> expired;
    {
        std::lock_guard lock(mutex_);
        armed_for_ = SteadyPoint::max();
        auto end = waits_.upper_bound(clock_.steady());
        for (auto entry = waits_.begin(); entry != end; ++entry) {
            entry->second->place.reset();
            expired.push_back(entry->second);
        }
        waits_.erase(waits_.begin(), end);
    }
    arm();
    for (auto& wait : expired)
        wait->reply(store_.find(JobRef{wait->job.to_string()}, ""));
}

bool WaitList::take(Wait& wait) {
    std::lock_guard lock(mutex_);
    auto place = std::exchange(wait.place, std::nullopt);
    if (place) waits_.erase(*place);
    return place.has_value();
}

}  // namespace scheduler
