#pragma once
/// WaitList holds who waits for a job's end, and answers when it has ended or at the wait's end.
/// One timer serves all waits. Any thread; the store is read on the `timers` executor, never on the
/// thread that reports an event. Bounded by EventHub::watches_max, so a wait ends with its token:
/// clients that went away must not use the bound up.

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/dispatch/event_hub.hpp"
#include "daemon/service/wait_token.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class WaitList : public std::enable_shared_from_this<WaitList> {
  public:
    WaitList(Store& store, EventHub& events, const Clock& clock, Executor& timers)
        : store_(store), events_(events), clock_(clock), timers_(timers) {}

    /// Whoever drops the token waits no longer, and gets no reply. Nothing when it has replied
    /// already. Errors, in the reply: busy.
    [[nodiscard]] WaitToken add(JobId job, Duration longest, Reply<Job> reply);

  private:
    struct Wait;
    using Waits = std::multimap<SteadyPoint, std::shared_ptr<Wait>>;  // by deadline
    struct Wait {
        JobId job;
        Reply<Job> reply;
        EventHub::Token watch;
        std::optional<Waits::iterator> place;  ///< guarded by mutex_; none: it is over
    };

    void look(const std::weak_ptr<Wait>& wait);
    void arm();
    void expire();
    /// Takes it out; false when someone else did.
    bool take(Wait& wait);

    Store& store_;
    EventHub& events_;
    const Clock& clock_;
    Executor& timers_;
    std::mutex mutex_;
    Waits waits_;                                 ///< guarded by mutex_
    SteadyPoint armed_for_ = SteadyPoint::max();  ///< guarded by mutex_
};

}  // namespace scheduler
