/// Reads that are answered at once: each is compared with what the model answers at that moment.

#include <array>

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

template <class Values>
const auto& one_of(Random& random, const Values& values) {
    return values[random.below(values.size())];
}

}  // namespace

/// What is read is chosen apart: it does not change what else happens in a history.
void World::ask_to_read() {
    if (!process_) return;
    time_.front.post([this, page = 1 + random_.below(40), id = any_job(std::nullopt)] {
        // A change without an event is known to the model when it is answered.
        for (const Asked& asked : asked_)
            if (is_unheard(asked.action)) return;
        learn_of_purges();
        auto rows = list_all(static_cast<std::int64_t>(page));
        model_.check_list(rows);
        check_totals(rows);
        read_selection();
        read_events();
        if (model_.find(id) == nullptr) return;
        ModelJob& job = *model_.find(id);
        auto shown = process_->service->handle(ShowRequest{JobRef{id.to_string()}}, caller);
        if (!shown) violate("a job can't be shown: " + shown.error().message);
        model_.check_row(job, *shown);
        read_why(job);
        if (job.ended) read_output(job);
    });
    // Those that go on while other things happen.
    if (reads_.chance(60)) time_.front.post([this] { begin_walk(); });
    if (reads_.chance(50)) time_.front.post([this] { follow_events(); });
    time_.front.post([this] { follow_output(); });
}

JobId World::job_to_read(JobStatus likely) {
    std::vector<JobId> ids, all;
    for (const auto& [id, job] : model_.jobs()) {
        all.push_back(id);
        if (job.status == likely) ids.push_back(id);
    }
    if (ids.empty() || reads_.chance(20)) ids = all;
    return ids.empty() ? JobId() : one_of(reads_, ids);
}

/// Filters as clients give them. A moment is mostly one at which something is due or ended: the
/// first that belongs to it, and the first that does not.
ListRequest World::make_selection() {
    ListRequest request;
    if (reads_.chance(40)) request.status = {one_of(reads_, job_statuses)};
    if (reads_.chance(20)) request.status.push_back(one_of(reads_, job_statuses));
    if (reads_.chance(30)) request.finish_status = {one_of(reads_, finish_statuses)};
    if (reads_.chance(20)) request.finish_status.push_back(one_of(reads_, finish_statuses));
    if (reads_.chance(30))
        request.job_name = one_of(reads_, std::array{good_image, "JOB_A", "JOB_B"});
    auto moment = [&] {
        const ModelJob* job = model_.find(job_to_read(JobStatus::finished));
        if (job == nullptr || reads_.chance(20))
            return to_rfc3339(time_.clock.now() - reads_.between(0s, 60s));
        return to_rfc3339(job->ended ? job->ended->finished_at->at : job->due_at);
    };
    if (reads_.chance(30)) request.since = moment();
    if (reads_.chance(30)) request.until = moment();
    return request;
}

void World::read_selection() {
    ListRequest request = make_selection();
    auto page = static_cast<std::int64_t>(1 + reads_.below(20));
    model_.check_list(list_all(page, request), request);
    // An id alone is the place where that job stands now.
    auto selected = model_.list(request);
    if (selected.empty()) return;
    const ModelJob& place = *one_of(reads_, selected);
    if (place.status == JobStatus::running) return;
    request.after = ListPlace{place.id, std::nullopt};
    model_.check_list(list_all(page, request), request);
}

void World::read_events() {
    SubscribeRequest request;
    // Also from a place that was never reached.
    request.after_seq = static_cast<std::int64_t>(
        reads_.below(static_cast<std::uint64_t>(model_.newest_event()) + 2));
    std::optional<JobId> job;
    if (JobId id = job_to_read(JobStatus::finished); reads_.chance(30) && id != JobId()) {
        request.job_id = JobRef{id.to_string()};
        job = id;
    }
    auto stream = process_->service->handle(request, caller);
    if (!stream) violate("events can't be read: " + stream.error().message);
    auto read = drain(**stream);
    if (read.error) violate("events can't be read: " + read.error->message);
    model_.check_events(*request.after_seq, job, read.items);
}

void World::read_why(const ModelJob& job) {
    for (const Asked& asked : asked_)
        if (asked.action == Action::pause || asked.action == Action::resume) return;
    auto why = process_->service->handle(WhyRequest{JobRef{job.id.to_string()}}, caller);
    if (!why) violate("why fails: " + why.error().message);
    model_.check_row(job, why->job);
    Surroundings around;
    around.is_paused = is_paused_;
    around.write_trouble = process_->store->write_trouble();
    EngineStatus engine = process_->dispatcher->engine_status();
    if (!engine.is_up)
        around.engine_trouble = engine.down_since
                                    ? fmt::format("the engine is unreachable since {}: {}",
                                                  to_local_date(*engine.down_since),
                                                  engine.reason)
                                    : engine.reason;
    around.max_running = static_cast<std::size_t>(max_running_);
    around.starts_taken = process_->dispatcher->starts_taken();
    model_.check_why(job, why->job, why->message, time_.clock.now(), around);
    if (job.status != JobStatus::running) return;
    bool did_start = false;
    for (const auto& container : engine_.ever(container_name(job.id, job.attempt())))
        did_start = did_start || container->starts > 0;
    if (why->job.started_at && !did_start)
        violate(fmt::format("job {} is said to run, and never started", job.number));
}

}  // namespace scheduler::sim
