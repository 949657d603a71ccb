#pragma once
/// What the service's operations share. Included by daemon/service/*.cpp only.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "daemon/base/published.hpp"
#include "daemon/dispatch/dispatcher.hpp"
#include "daemon/dispatch/event_hub.hpp"
#include "daemon/service/service.hpp"
#include "daemon/service/wait_list.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

struct Service::Parts {
    Store& store;
    Spool& spool;
    Dispatcher& dispatcher;
    EventHub& events;
    Metrics& metrics;
    const Clock& clock;
    Executor& timers;      ///< runs what waits: deadlines, and readers that were woken
    Executor& background;  ///< what may take long, and nobody else waits for
    TimePoint started_at;
    Published<ServiceOptions> options;
    std::shared_ptr<WaitList> waits;
    /// How many are under way.
    std::shared_ptr<std::atomic<int>> verifications = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<std::atomic<bool>> is_backing_up = std::make_shared<std::atomic<bool>>(false);
};

/// What a job is shown with: environment values hidden, and how long it waits though it is due.
Job shown(Job job, TimePoint now);

/// With the attempts that have ended, of a job that was or will be tried again.
Job with_attempts(Store& store, Job job);

/// The full reference of an image that is to be run. Errors: bad_field.
Result<std::string> usable_image(const std::string& image);

/// Of a job that was read with its specification: from when on it is not started any more.
std::optional<TimePoint> expiry_of(const Job& job);

/// The job was committed, with its specification: it is started when it is due, or expires.
void wake(Dispatcher& dispatcher, const Job& job);

/// A length of time for sentences: `300 ms`, `1m17s`, `3h`.
std::string in_words(Duration length);

}  // namespace scheduler
