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
    if (random_.chance(15)) request.spec.timeout = Span{1s * (1 + random_.below(20))};
    if (orders_.chance(10)) request.spec.priority = any_priority();
    if (ends_.chance(15)) request.spec.expires = any_expiry();
    if (lines_.chance(25)) request.spec.group = any_group();
    if (tries_.chance(20)) request.spec.retries = any_retries();
    if (random_.chance(40)) request.key = fmt::format("key-{}", ++keys_);
    return request;
}

Span World::any_expiry() {
    return Span{1s * (1 + ends_.below(40))};
}

Retries World::any_retries() {
    Retries retries;
    retries.max = static_cast<std::int64_t>(tries_.below(4));
    retries.delay = Span{1s * (1 + tries_.below(8))};
    if (tries_.chance(50)) retries.backoff = Backoff::exponential;
    if (tries_.chance(30)) retries.on = {FinishStatus::failed, FinishStatus::lost};
    return retries;
}

std::int64_t World::any_priority() {
    return static_cast<std::int64_t>(orders_.below(201)) - SpecLimits::priority_max;
}

JobId World::any_job(std::optional<JobStatus> status) {
    std::vector<JobId> ids;
    for (const auto& [id, job] : model_.jobs())
        if (!status || job.status == *status) ids.push_back(id);
    return ids.empty() ? JobId() : ids[random_.below(ids.size())];
}

World::Asking World::ask(Asked asked) {
    asked.since = time_.clock.steady();
    asked_.push_back(std::move(asked));
    return std::prev(asked_.end());
}

void World::acknowledged(const Asked& asked,
                         const AddRequest& request,
                         const AddResponse& response) {
    if (!response.id) violate("an add was acknowledged without an id");
    if (asked.earlier != JobId()) learn_of_purges();
    bool is_repeat = model_.find(asked.earlier) != nullptr;
    if (is_repeat && (*response.id != asked.earlier || !response.replayed))
        violate("a repeat under its key was not answered with the first one's job");
    ModelJob* job = model_.find(*response.id);
    if (job == nullptr && model_.find_ever(*response.id) != nullptr) return;  // purged meanwhile
    if (job == nullptr) violate("an add was acknowledged that is not in the store");
    if (job->request.key != request.key || job->request.spec.command != request.spec.command)
        violate(fmt::format("an add was answered with job {}, which is another", job->number));
    if (response.replayed && !request.key) violate("an add without a key is called a repeat");
    if (!response.replayed && std::exchange(job->was_answered_as_new, true))
        violate(fmt::format("two answers say that they made job {}", job->number));
}

/// Some clients go away before they hear the answer, and repeat what they sent under a key.
void World::ask_to_add(const std::vector<AddRequest>& requests) {
    if (!process_) return;
    auto asking = ask({Action::add, requests, JobId(), time_.clock.now()});
    asking->is_deserted = clients_.chance(4);
    if (asking->is_deserted) repeat_unanswered(*asking);
    time_.front.post([this, requests, asking] {
        Service& service = *process_->service;
        if (requests.size() == 1) {
            if (const ModelJob* job = model_.find_by_key(requests.front().key))
                asking->earlier = job->id;
            return service.handle(
                requests.front(),
                caller,
                answered<AddResponse>(asking, [this, asking](Result<AddResponse> added) {
                    if (added) acknowledged(*asking, asking->added.front(), *added);
                }));
        }
        AddBatchRequest batch;
        batch.jobs = requests;
        service.handle(
            batch,
            caller,
            answered<AddBatchResponse>(asking, [this, asking](Result<AddBatchResponse> added) {
                if (!added) return;
                for (std::size_t i = 0; i < asking->added.size(); ++i)
                    acknowledged(*asking, asking->added[i], added->jobs[i]);
            }));
    });
}

/// The same request under its key gives the same job; another one is refused.
void World::ask_again() {
    if (!process_) return;
    learn_of_purges();
    std::vector<const ModelJob*> keyed;
    for (const auto& [id, job] : model_.jobs())
        if (job.request.key) keyed.push_back(&job);
    if (keyed.empty()) return;
    AddRequest request = keyed[random_.below(keyed.size())]->request;
    if (random_.chance(70)) return ask_to_add({request});
    request.time = request.time == "40m" ? "50m" : "40m";  // none of make_request's
    auto asking = ask({Action::add_again, {request}, JobId(), time_.clock.now()});
    time_.front.post([this, asking] {
        const AddRequest& sent = asking->added.front();
        if (const ModelJob* job = model_.find_by_key(sent.key)) asking->earlier = job->id;
        process_->service->handle(
            sent, caller, answered<AddResponse>(asking, [this, asking](Result<AddResponse> added) {
                learn_of_purges();
                // The first one was purged before: it is free again.
                if (added && model_.find(asking->earlier) != nullptr)
                    violate("another request under a used key was taken");
                if (added) acknowledged(*asking, asking->added.front(), *added);
            }));
    });
}

void World::ask_to_change(Action action) {
    std::optional<JobStatus> likely = JobStatus::scheduled;
    if (action == Action::kill) likely = JobStatus::running;
    if (random_.chance(20)) likely = std::nullopt;
    JobId id = any_job(likely);
    if (action == Action::release)
        if (JobId held = held_job(); held != JobId()) return send_soon(action, held);
    bool is_of_job = action != Action::pause && action != Action::resume;
    if (!process_ || (is_of_job && id == JobId())) return;
    send_soon(action, id);
}

JobId World::held_job() {
    for (const auto& [id, job] : model_.jobs())
        if (job.is_held && job.status == JobStatus::scheduled) return id;
    return {};
}

void World::send_soon(Action action, JobId id) {
    if (!process_) return;
    auto asking = ask({action, {}, id, time_.clock.now()});
    if (action == Action::edit && random_.chance(70))
        asking->edit.time = fmt::format("{}s", random_.below(40));
    else if (action == Action::edit)
        asking->edit.spec.priority = any_priority();
    if (action == Action::edit && ends_.chance(30)) asking->edit.spec.expires = any_expiry();
    if (action == Action::edit && lines_.chance(20)) asking->edit.spec.group = any_group();
    // What `run`, `edit`, `pause` and the like did is known by their answers alone.
    bool may_desert = action == Action::remove || action == Action::kill;
    asking->is_deserted = may_desert && clients_.chance(4);
    time_.front.post([this, asking] { send_change(asking); });
}

void World::send_change(Asking asking) {
    Service& service = *process_->service;
    asking->at = time_.clock.now();
    JobRef ref{asking->job.to_string()};
    if (ModelJob* job = model_.find(asking->job)) {
        asking->moves = job->moves.size();
        if (asking->action == Action::kill && !job->kill_asked_at)
            job->kill_asked_at = time_.clock.steady();
    }
    auto reply = answered<MessageResponse>(asking, [this, asking](Result<MessageResponse> done) {
        if (done) change_is_done(*asking);
    });
    switch (asking->action) {
        case Action::remove:
            return service.handle(RemoveRequest{ref}, caller, std::move(reply));
        case Action::run:
            return service.handle(RunRequest{ref}, caller, std::move(reply));
        case Action::hold:
            return service.handle(HoldRequest{ref}, caller, std::move(reply));
        case Action::release:
            return service.handle(ReleaseRequest{ref}, caller, std::move(reply));
        case Action::edit:
            asking->edit.job_id = ref;
            return service.handle(
                asking->edit,
                caller,
                answered<EditResponse>(asking, [this, asking](const Result<EditResponse>& done) {
                    if (done) change_is_done(*asking);
                }));
        case Action::pause:
            return service.handle(PauseRequest{}, caller, std::move(reply));
        case Action::resume:
            return service.handle(ResumeRequest{}, caller, std::move(reply));
        default:
            asking->without_grace = random_.chance(30);
            service.handle(KillRequest{ref, asking->without_grace}, caller, std::move(reply));
    }
}

/// A change was acknowledged.
void World::change_is_done(const Asked& asked) {
    if (asked.action == Action::pause) is_paused_ = true;
    if (asked.action == Action::resume) is_paused_ = false;
    auto require = [&](bool (*state)(JobStatus)) {
        if (!was(asked, state))
            violate(
                fmt::format("{} was acknowledged, and it was not possible", word_of(asked.action)));
    };
    if (is_unheard(asked.action))
        require([](JobStatus status) { return status == JobStatus::scheduled; });
    if (asked.action == Action::kill)
        require([](JobStatus status) { return status == JobStatus::running; });
    ModelJob* job = model_.find(asked.job);
    if (job == nullptr) return;
    if (asked.action == Action::run && job->status == JobStatus::scheduled)
        job->due_at = std::min(job->due_at, asked.at);
    if (is_unheard(asked.action) && asked.action != Action::edit)
        job->is_held = asked.action == Action::hold && job->status == JobStatus::scheduled;
    if (is_unheard(asked.action)) troubled_at_ = time_.clock.steady();  // a claim has yet to come
    job->has_changed_place =
        job->has_changed_place || asked.action == Action::edit || asked.action == Action::run;
    if (asked.edit.time) job->due_at = asked.at + *parse_duration(*asked.edit.time);
    if (asked.edit.spec.priority) job->priority = *asked.edit.spec.priority;
    if (asked.edit.spec.expires && job->attempt() == 0) job->expires = asked.edit.spec.expires;
    if (asked.edit.spec.group) job->group = asked.edit.spec.group;
    if (asked.action == Action::remove && job->status != JobStatus::canceled)
        violate(fmt::format("the removal of job {} was acknowledged, and it is {}",
                            job->number,
                            to_string(job->status)));
    if (asked.action != Action::kill) return;
    SteadyPoint now = time_.clock.steady();
    if (!job->killed_at) job->killed_at = now;
    if (asked.without_grace && !job->killed_now_at) job->killed_now_at = now;
}

void World::ask_to_wait() {
    JobId id = any_job(random_.chance(70) ? std::optional(JobStatus::running) : std::nullopt);
    if (!process_ || id == JobId()) return;
    time_.front.post([this, id, length = random_.between(0s, 60s)] {
        auto waiter = std::make_shared<Waiter>(Waiter{id, time_.clock.steady() + length});
        waiters_.push_back(waiter);
        waiter->token = process_->service->handle(
            WaitRequest{JobRef{id.to_string()}, Span{length}},
            caller,
            [this, weak = std::weak_ptr(waiter)](Result<Job> job) {
                auto alive = weak.lock();
                if (disk_.has_crashed || !alive) return;
                alive->is_answered = true;
                learn_of_purges();
                const ModelJob* known = model_.find(alive->job);
                if (!job && known != nullptr) violate("a wait fails: " + job.error().message);
                if (!job) return;
                bool is_over = has_ended(job->status);
                if (!is_over && time_.clock.steady() < alive->until)
                    violate("a wait was answered before its job ended and before its time");
                if (is_over && known != nullptr && !known->ended)
                    violate("a wait said that a job ended that goes on");
            });
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
