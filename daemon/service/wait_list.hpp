#pragma once
/// WaitList holds who waits for a job's end, and answers when it has ended or at the wait's end.
/// One timer serves all waits. Any thread; the store is read on the `timers` executor, never on the
/// thread that reports an event. Bounded by EventHub::watches_max.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/dispatch/event_hub.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class WaitList : public std::enable_shared_from_this<WaitList> {
  public:
    WaitList(Store& store, EventHub& events, const Clock& clock, Executor& timers)
        : store_(store), events_(events), clock_(clock), timers_(timers) {}

    /// Errors: busy.
    void add(JobId job, Duration longest, Reply<Job> reply);

  private:
    struct Wait {
        JobId job;
        Reply<Job> reply;
        EventHub::Token token;
    };
    using Waits = std::multimap<SteadyPoint, std::shared_ptr<Wait>>;  // by deadline

    void look(const std::weak_ptr<Wait>& wait);
    void arm();
    void expire();
    /// Takes it out; null when someone else did.
    std::shared_ptr<Wait> take(const std::shared_ptr<Wait>& wait);

    Store& store_;
    EventHub& events_;
    const Clock& clock_;
    Executor& timers_;
    std::mutex mutex_;
    Waits waits_;                                 ///< guarded by mutex_
    SteadyPoint armed_for_ = SteadyPoint::max();  ///< guarded by mutex_
};

}  // namespace scheduler
