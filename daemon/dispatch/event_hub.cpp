#include "daemon/dispatch/event_hub.hpp"

#include <algorithm>

namespace scheduler {

Result<EventHub::Token> EventHub::watch(std::optional<JobId> job, Wake wake) {
    auto token = std::make_shared<const Wake>(std::move(wake));
    std::lock_guard lock(mutex_);
    if (size_ >= watches_max) size_ = count_alive();
    if (size_ >= watches_max)
        return fail(ErrorCode::busy, "too many clients are waiting for jobs; try again in a while");
    (job ? for_one_[*job] : for_all_).push_back(token);
    ++size_;
    return token;
}

void EventHub::committed(const std::vector<CommittedEvent>& events) {
    std::vector<Token> alive;
    {
        std::lock_guard lock(mutex_);
        collect(for_all_, alive);
        if (!for_one_.empty()) {
            for (const CommittedEvent& event : events) {
                auto found = for_one_.find(event.job_id);
                if (found == for_one_.end()) continue;
                collect(found->second, alive);
                if (found->second.empty()) for_one_.erase(found);
            }
        }
    }
    for (const Token& wake : alive)
        (*wake)();
}

void EventHub::output_grew(JobId job) {
    std::vector<Token> alive;
    {
        std::lock_guard lock(mutex_);
        auto found = for_one_.find(job);
        if (found == for_one_.end()) return;
        collect(found->second, alive);
        if (found->second.empty()) for_one_.erase(found);
    }
    for (const Token& wake : alive)
        (*wake)();
}

void EventHub::collect(Watches& watches, std::vector<Token>& alive) {
    std::erase_if(watches, [&](const std::weak_ptr<const Wake>& watch) {
        auto token = watch.lock();
        if (token) alive.push_back(std::move(token));
        return watch.expired();
    });
}

/// Drops what has ended, and counts the rest. Called only when the limit seems reached.
std::size_t EventHub::count_alive() {
    auto expired = [](const std::weak_ptr<const Wake>& watch) { return watch.expired(); };
    std::erase_if(for_all_, expired);
    std::size_t count = for_all_.size();
    for (auto entry = for_one_.begin(); entry != for_one_.end();) {
        std::erase_if(entry->second, expired);
        count += entry->second.size();
        entry = entry->second.empty() ? for_one_.erase(entry) : std::next(entry);
    }
    return count;
}

}  // namespace scheduler
