#include "daemon/service/service.hpp"

#include <fmt/format.h>

#include "common/image_reference.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {

Service::Service(Store& store,
                 Spool& spool,
                 Dispatcher& dispatcher,
                 EventHub& events,
                 Metrics& metrics,
                 const Clock& clock,
                 Executor& timers,
                 Executor& background)
    : parts_(new Parts{store,
                       spool,
                       dispatcher,
                       events,
                       metrics,
                       clock,
                       timers,
                       background,
                       clock.now(),
                       Published<ServiceOptions>(),
                       std::make_shared<WaitList>(store, events, clock, timers)}) {}

Service::~Service() = default;

Metrics& Service::metrics() {
    return parts_->metrics;
}

void Service::set_options(ServiceOptions options) {
    parts_->options.set(std::move(options));
}

Job shown(Job job, TimePoint now) {
    if (job.spec) job.spec = hide_values(std::move(*job.spec));
    if (job.status == JobStatus::scheduled && job.due_at.at < now && !job.held_by)
        job.lateness_ms = (now - job.due_at.at).count();
    return job;
}

Job with_attempts(Store& store, Job job) {
    bool was_tried_again = job.attempt > 1 || (job.attempt && job.status == JobStatus::scheduled);
    if (!was_tried_again) return job;
    auto record = store.record(job.id);
    if (!record || !*record) return job;
    job.attempts = std::move((*record)->attempts);
    // It may have moved on between the two reads.
    std::erase_if(job.attempts,
                  [&](const Attempt& attempt) { return !has_attempt_ended(job, attempt.attempt); });
    return job;
}

Result<std::string> usable_image(const std::string& image) {
    auto reference = parse_image_reference(image);
    if (reference) return reference;
    return fail(ErrorCode::bad_field,
                fmt::format("image \"{}\" can't be used: {}", image, reference.error().message));
}

std::string in_words(Duration length) {
    using namespace std::chrono_literals;
    return length < 1s ? fmt::format("{} ms", length.count()) : short_duration(length);
}

std::optional<TimePoint> expiry_of(const Job& job) {
    if (!job.spec || job.attempt) return std::nullopt;  // started once, it is tried again
    return expiry_of(job.due_at.at, job.created_at.at, *job.spec);
}

void wake(Dispatcher& dispatcher, const Job& job) {
    dispatcher.wake_at(job.due_at.at, expiry_of(job));
}

}  // namespace scheduler
