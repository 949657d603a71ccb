/// subscribe: transitions of jobs as they are committed, read from the store.

#include <algorithm>
#include <vector>

#include "daemon/base/failpoint.hpp"
#include "daemon/service/service_parts.hpp"
#include "daemon/service/tail_stream.hpp"

namespace scheduler {
namespace {

constexpr std::int64_t events_a_read = 100;

class EventSource final : public TailSource<JobEvent> {
  public:
    EventSource(Store& store, std::optional<JobId> job, std::int64_t after, bool must_reset)
        : store_(store), job_(job), after_(after), must_reset_(must_reset) {}

    Result<Produced<JobEvent>> produce() override {
        if (std::exchange(must_reset_, false)) return reset_to(after_);
        if (next_ == page_.size()) {
            auto page = store_.events_after(after_, job_, events_a_read);
            if (!page) return fail(page.error());
            // Looked at after the page: what was removed meanwhile is then told. One job's events
            // go all at once, and the others' don't matter to who follows it.
            auto oldest = job_ ? Result<std::int64_t>(std::int64_t{0}) : store_.first_event();
            if (!oldest) return fail(oldest.error());
            if (after_ + 1 < *oldest) return reset_to(*oldest - 1);
            page_ = std::move(*page);
            next_ = 0;
        }
        if (next_ == page_.size()) return Produced<JobEvent>{};
        JobEvent event = std::move(page_[next_++]);
        after_ = event.seq;
        if (mutated("skips_event_after_page") && next_ == page_.size()) ++after_;
        return Produced<JobEvent>{std::move(event), false};
    }

  private:
    Result<Produced<JobEvent>> reset_to(std::int64_t seq) {
        after_ = seq;
        JobEvent reset;
        reset.seq = seq;
        reset.reset = true;
        return Produced<JobEvent>{std::move(reset), false};
    }

    Store& store_;
    std::optional<JobId> job_;
    std::int64_t after_;
    bool must_reset_;
    std::vector<JobEvent> page_;
    std::size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<Stream<JobEvent>>> Service::handle(const SubscribeRequest& request,
                                                          const Caller& caller) {
    std::optional<JobId> id;
    if (request.job_id) {
        auto job = parts_->store.find(*request.job_id, caller.name);
        if (!job) return fail(job.error());
        id = job->id;
    }
    auto newest = parts_->store.last_event();
    if (!newest) return fail(newest.error());
    auto oldest = parts_->store.first_event();
    if (!oldest) return fail(oldest.error());
    // What lies before the oldest event is no longer kept, and what lies after the newest never was
    // here.
    std::int64_t after = request.after_seq.value_or(*newest);
    bool must_reset = request.after_seq && (after + 1 < *oldest || after > *newest);
    if (must_reset) after = *newest;
    auto stream = std::make_unique<TailStream<JobEvent>>(
        std::make_unique<EventSource>(parts_->store, id, after, must_reset), parts_->timers);
    if (auto watched = stream->watch(parts_->events, id); !watched) return fail(watched.error());
    return std::unique_ptr<Stream<JobEvent>>(std::move(stream));
}

}  // namespace scheduler
