#include "daemon/service/service.hpp"

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {

Service::Service(Store& store,
                 Spool& spool,
                 Dispatcher& dispatcher,
                 EventHub& events,
                 Metrics& metrics,
                 const Clock& clock,
                 Executor& timers)
    : parts_(new Parts{store,
                       spool,
                       dispatcher,
                       events,
                       metrics,
                       clock,
                       timers,
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

Result<TimePoint> parse_since(const std::string& text, TimePoint now, std::string_view field) {
    if (auto ago = parse_duration(text)) return now - *ago;
    if (auto at = parse_at(text, now)) return at;
    return fail(ErrorCode::bad_date,
                fmt::format("{} \"{}\" is not a date; write 20-06-2027 20:00:00, RFC 3339, or a "
                            "time ago such as 10m",
                            field,
                            text.substr(0, 64)));
}

Job shown(Job job, TimePoint now) {
    if (job.spec) job.spec = hide_values(std::move(*job.spec));
    if (job.status == JobStatus::scheduled && job.due_at.at < now)
        job.lateness_ms = (now - job.due_at.at).count();
    return job;
}

std::string in_words(Duration length) {
    using namespace std::chrono_literals;
    if (length < 1s) return fmt::format("{} ms", length.count());
    if (length < 2min) return fmt::format("{}s", length / 1s);
    if (length < 2h) return fmt::format("{}m", length / 1min);
    if (length < 48h) return fmt::format("{}h", length / 1h);
    return fmt::format("{}d", length / 24h);
}

}  // namespace scheduler
