/// remove, run, hold, release, kill, pause, resume, wait: each finds its job and leaves the
/// decision to the row.

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

/// The answer of a change that is committed.
template <class Then>
Reply<Done> answer(Reply<MessageResponse> reply, std::string message, Then then) {
    return [reply = std::move(reply), message = std::move(message), then = std::move(then)](
               Result<Done> done) mutable {
        if (!done) return reply(fail(done.error()));
        then();
        reply(MessageResponse{std::move(message)});
    };
}

std::string words_of(const PauseChange& change) {
    const PauseState& pause = change.stands;
    if (pause.is_restored)
        return "paused: nothing is started until `resume`, since this daemon was restored from a "
               "backup; running jobs go on";
    if (pause.until)
        return fmt::format("paused until {}: nothing is started; running jobs go on",
                           to_local_date(*pause.until));
    if (pause.paused) return "paused: nothing is started until `resume`; running jobs go on";
    if (change.missed == 0) return "resumed: due jobs are started";
    return fmt::format(
        "resumed: due jobs are started, but {} that came due before {} not run, since the daemon "
        "that the backup is of may have run {}",
        change.missed,
        change.missed == 1 ? "does" : "do",
        change.missed == 1 ? "it" : "them");
}

void set_pause(Store& store,
               Dispatcher& dispatcher,
               PauseState pause,
               Reply<MessageResponse> reply) {
    store.set_pause(
        pause, [&dispatcher, reply = std::move(reply)](const Result<PauseChange>& change) mutable {
            if (!change) return reply(fail(change.error()));
            dispatcher.wake();  // a pause that ends by itself sets its timer, too
            if (change->missed > 0) dispatcher.jobs_ended();
            reply(MessageResponse{words_of(*change)});
        });
}

}  // namespace

void Service::handle(const RemoveRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    parts_->store.cancel(job->id,
                         parts_->clock.now(),
                         fmt::format("removed by {}", caller.name),
                         answer(std::move(reply),
                                fmt::format("job {} was de-scheduled", job->id.to_string()),
                                [&dispatcher = parts_->dispatcher] { dispatcher.jobs_ended(); }));
}

void Service::handle(const RunRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    TimePoint now = parts_->clock.now();
    parts_->store.make_due(
        job->id,
        now,
        [&dispatcher = parts_->dispatcher, now, id = job->id, reply = std::move(reply)](
            Result<std::optional<TimePoint>> expires_at) mutable {
            if (!expires_at) return reply(fail(expires_at.error()));
            dispatcher.wake_at(now, *expires_at);
            reply(MessageResponse{fmt::format("job {} is due now", id.to_string())});
        });
}

void Service::handle(const HoldRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    parts_->store.hold(job->id,
                       caller.name,
                       answer(std::move(reply),
                              fmt::format("job {} is held: it is not started until `release`",
                                          job->id.to_string()),
                              [] {}));
}

void Service::handle(const ReleaseRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    parts_->store.release(job->id,
                          parts_->clock.now(),
                          [&dispatcher = parts_->dispatcher,
                           id = job->id.to_string(),
                           reply = std::move(reply)](Result<std::optional<TimePoint>> due) mutable {
                              if (!due) return reply(fail(due.error()));
                              if (*due) dispatcher.wake_at(**due);
                              reply(MessageResponse{fmt::format(
                                  "job {} {}", id, *due ? "is released" : "was not held")});
                          });
}

void Service::handle(const KillRequest& request,
                     const Caller& caller,
                     Reply<MessageResponse> reply) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    parts_->store.request_kill(
        job->id,
        parts_->clock.now(),
        caller.name,
        request.now,
        answer(
            std::move(reply),
            fmt::format("job {} will be stopped", job->id.to_string()),
            [&dispatcher = parts_->dispatcher, id = job->id, by = caller.name, now = request.now] {
                dispatcher.kill(id, by, now);
            }));
}

void Service::handle(const PauseRequest& request, const Caller&, Reply<MessageResponse> reply) {
    PauseState pause{.paused = true};
    if (request.for_time) pause.until = parts_->clock.now() + request.for_time->length;
    set_pause(parts_->store, parts_->dispatcher, pause, std::move(reply));
}

void Service::handle(const ResumeRequest&, const Caller&, Reply<MessageResponse> reply) {
    set_pause(parts_->store, parts_->dispatcher, {}, std::move(reply));
}

WaitToken Service::handle(const WaitRequest& request, const Caller& caller, Reply<Job> reply) {
    auto answer_now = [&](Result<Job> result) -> WaitToken {
        reply(std::move(result));
        return nullptr;
    };
    Duration longest = request.timeout ? request.timeout->length : WaitRequest::wait_max;
    if (longest > WaitRequest::wait_max)
        return answer_now(
            fail(ErrorCode::bad_field,
                 fmt::format("wait \"{}\" is too long; 10m is the longest, so ask again after it",
                             to_string(longest))));
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return answer_now(fail(job.error()));
    if (has_ended(job->status) || longest == Duration(0))
        return answer_now(
            shown(with_attempts(parts_->store, std::move(*job)), parts_->clock.now()));
    return parts_->waits->add(
        job->id,
        longest,
        [&store = parts_->store, &clock = parts_->clock, reply = std::move(reply)](
            Result<Job> ended) mutable {
            if (!ended) return reply(fail(ended.error()));
            reply(shown(with_attempts(store, std::move(*ended)), clock.now()));
        });
}

}  // namespace scheduler
