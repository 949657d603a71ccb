/// The clients: they add and change, and remember what they were told.

#include <fmt/format.h>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {
AddRequest World::make_request() {
    AddRequest request;
    request.job_name = good_image;
    std::uint64_t when = random_.below(10);
    request.time = when < 4   ? "0s"
                   : when < 8 ? fmt::format("{}s", random_.below(20))
                   : when < 9 ? fmt::format("{}m", random_.below(30))
                              : fmt::format("{}d", random_.below(400));
    Program program;
    program.length = random_.chance(70) ? random_.between(5ms, 3s) : random_.between(1s, 90s);
    if (random_.chance(50)) program.exit_code = static_cast<std::int64_t>(random_.below(5));
    if (random_.chance(5)) program.exit_code = 137;
    program.traps_stop = random_.chance(50);
    program.can_start = !random_.chance(4);
    program.lines = static_cast<int>(random_.below(6));
    if (random_.chance(4)) request.job_name = "JOB_A";
    if (random_.chance(4)) request.job_name = "nosuch/image:1";
    request.spec.command = program.command();
    if (random_.chance(15)) request.spec.timeout = Span{random_.between(1s, 20s)};
    if (random_.chance(40)) request.key = fmt::format("key-{}", ++keys_);
    return request;
}

JobId World::any_job(std::optional<JobStatus> status) {
    std::vector<JobId> ids;
    for (const auto& [id, job] : model_.jobs())
        if (!status || job.status == *status) ids.push_back(id);
    return ids.empty() ? JobId() : ids[random_.below(ids.size())];
}

void World::acknowledged(const AddRequest& request, const AddResponse& response) {
    ModelJob* job = response.id ? model_.find(*response.id) : nullptr;
    if (job == nullptr) violate("an add was acknowledged that is not in the store");
    job->is_acknowledged = true;
    for (const auto& [earlier, id] : keyed_)
        if (request.key && earlier.key == request.key && id != *response.id)
            violate(fmt::format("key {} made two jobs", *request.key));
    if (request.key) keyed_.emplace_back(request, *response.id);
}

void World::ask_to_add(const std::vector<AddRequest>& requests) {
    if (!process_) return;
    asked_.push_back({Action::add, requests, JobId(), time_.clock.now()});
    auto asking = std::prev(asked_.end());
    time_.front.post([this, requests, asking] {
        Service& service = *process_->service;
        if (requests.size() == 1)
            return service.handle(
                requests.front(),
                caller,
                answered<AddResponse>(asking, [this, requests](Result<AddResponse> added) {
                    if (added) acknowledged(requests.front(), *added);
                }));
        AddBatchRequest batch;
        batch.jobs = requests;
        service.handle(
            batch,
            caller,
            answered<AddBatchResponse>(asking, [this, requests](Result<AddBatchResponse> added) {
                if (!added) return;
                for (std::size_t i = 0; i < requests.size(); ++i)
                    acknowledged(requests[i], added->jobs[i]);
            }));
    });
}

/// The same request under its key gives the same job; another one is refused.
void World::ask_again() {
    if (!process_) return;
    learn_of_purges();
    if (keyed_.empty()) return;
    auto [request, id] = keyed_[random_.below(keyed_.size())];
    bool is_same = random_.chance(70);
    if (!is_same) request.time = "40m";  // none of make_request's
    asked_.push_back({Action::add_again, {request}, id, time_.clock.now()});
    auto asking = std::prev(asked_.end());
    time_.front.post([this, request = request, id = id, is_same, asking] {
        process_->service->handle(
            request,
            caller,
            answered<AddResponse>(asking, [this, request, id, is_same](Result<AddResponse> added) {
                if (!added && added.error().code == ErrorCode::disk_full) return;
                learn_of_purges();
                if (model_.find(id) == nullptr && added) {
                    // Purged before the repeat: a new job. Purged after it: nothing to check.
                    if (added->id != id) acknowledged(request, *added);
                    return;
                }
                if (is_same && (!added || added->id != id || !added->replayed))
                    violate("a repeat under its key was not answered with the first one's job");
                if (!is_same && (added || added.error().code != ErrorCode::key_reused))
                    violate("another request under a used key was taken");
            }));
    });
}

void World::ask_to_change(Action action) {
    std::optional<JobStatus> likely = JobStatus::scheduled;
    if (action == Action::kill) likely = JobStatus::running;
    if (random_.chance(20)) likely = std::nullopt;
    JobId id = any_job(likely);
    bool is_of_job = action != Action::pause && action != Action::resume;
    if (!process_ || (is_of_job && id == JobId())) return;
    asked_.push_back({action, {}, id, time_.clock.now()});
    auto asking = std::prev(asked_.end());
    time_.front.post([this, action, id, asking] {
        Service& service = *process_->service;
        TimePoint now = asking->at = time_.clock.now();
        auto reply = answered<MessageResponse>(
            asking, [this, action, id, now](Result<MessageResponse> done) {
                ModelJob* job = model_.find(id);
                if (!done) return;
                if (action == Action::pause) is_paused_ = true;
                if (action == Action::resume) is_paused_ = false;
                if (job == nullptr) return;
                if (action == Action::run && job->status == JobStatus::scheduled)
                    job->due_at = std::min(job->due_at, now);
                if (action == Action::remove && job->status != JobStatus::canceled)
                    violate(fmt::format("the removal of job {} was acknowledged, and it is {}",
                                        job->number,
                                        to_string(job->status)));
            });
        JobRef ref{id.to_string()};
        if (action == Action::remove)
            return service.handle(RemoveRequest{ref}, caller, std::move(reply));
        if (action == Action::run) return service.handle(RunRequest{ref}, caller, std::move(reply));
        if (action == Action::pause)
            return service.handle(PauseRequest{}, caller, std::move(reply));
        if (action == Action::resume)
            return service.handle(ResumeRequest{}, caller, std::move(reply));
        if (ModelJob* job = model_.find(id)) job->is_kill_wanted = true;
        service.handle(KillRequest{ref, random_.chance(30)}, caller, std::move(reply));
    });
}

void World::ask_to_wait() {
    JobId id = any_job(random_.chance(70) ? std::optional(JobStatus::running) : std::nullopt);
    if (!process_ || id == JobId()) return;
    time_.front.post([this, id, length = random_.between(0s, 60s)] {
        SteadyPoint until = time_.clock.steady() + length;
        waits_.push_back(process_->service->handle(
            WaitRequest{JobRef{id.to_string()}, Span{length}},
            caller,
            [this, id, until](Result<Job> job) {
                if (disk_.has_crashed || !job) return;
                bool is_over = has_ended(job->status);
                if (!is_over && time_.clock.steady() < until)
                    violate("a wait was answered before its job ended and before its time");
                const ModelJob* known = model_.find(id);
                if (is_over && known != nullptr && !known->ended)
                    violate("a wait said that a job ended that goes on");
            }));
    });
}

void World::add_storm(int jobs) {
    for (int done = 0; done < jobs;) {
        std::vector<AddRequest> requests;
        for (; done < jobs && requests.size() < AddBatchRequest::jobs_max; ++done) {
            AddRequest request;
            request.job_name = good_image;
            request.time = "60s";
            Program program;
            program.length = 20ms;
            request.spec.command = program.command();
            requests.push_back(request);
        }
        ask_to_add(requests);
    }
}

}  // namespace scheduler::sim
