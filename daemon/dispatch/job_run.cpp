#include "daemon/dispatch/job_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/image_reference.hpp"
#include "daemon/base/log.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Duration stop_grace = 10s;          ///< docker's default
constexpr Duration quiet_before_repeat = 1s;  ///< rule 3
constexpr Duration follow_after = 1s;         ///< a job that ends sooner is read once, at its end
constexpr Duration restart_window = 15s;      ///< rule 6: after the first answered ping
constexpr Duration backoff_first = 1s;
constexpr Duration backoff_longest = 30s;
constexpr Duration deadline_step = 60s;  ///< bounds how long a timer outlives its job

}  // namespace

JobRun::JobRun(RunParts& parts, RunningJob job) : parts_(parts), job_(std::move(job)) {
    kill_wanted_ = job_.kill_requested_at.has_value();
    kill_now_ = job_.kill_now;
}

// ---- a fresh claim
// ------------------------------------------------------------------------------------

void JobRun::begin() {
    holds_slot_ = true;
    create();
}

void JobRun::create() {
    const std::string& image = job_.spec.image.value_or(job_.name);
    auto reference = parse_image_reference(image);
    if (!reference) {
        std::string error = job_.spec.image
                                ? fmt::format("{}: {}", image, reference.error().message)
                                : fmt::format("no definition is named {}, and it is no image: {}",
                                              job_.name,
                                              reference.error().message);
        return finish_without_container(FinishStatus::failed, std::nullopt, error);
    }
    step_ = Step::creating;
    ContainerRequest request;
    request.name = container_name(job_.id, job_.attempt);
    request.image = *reference;
    request.command = job_.spec.command;
    request.env = job_.spec.env;
    request.labels = {{job_label, job_.id.to_string()},
                      {attempt_label, std::to_string(job_.attempt)},
                      {instance_label, parts_.instance}};
    request.log_bytes_max = static_cast<std::int64_t>(parts_.spool.limit());
    parts_.engine.create(
        request,
        then<std::string, EngineFailure>([](JobRun& self, EngineResult<std::string> created) {
            if (created)
                self.commit_container(std::move(*created), true);
            else
                self.on_create_failed(created.error());
        }));
}

void JobRun::on_create_failed(const EngineFailure& failure) {
    if (failure.kind == EngineFailure::Kind::no_answer) return unsettled(failure);
    // A repeated create meets its own container; any other refusal is confirmed by a look.
    adopt_by_name(failure);
}

void JobRun::adopt_by_name(const EngineFailure& why) {
    parts_.engine.inspect(
        container_name(job_.id, job_.attempt),
        then<ContainerState, EngineFailure>([why](JobRun& self,
                                                  EngineResult<ContainerState> state) {
            if (!state) {
                if (state.error().kind == EngineFailure::Kind::not_found &&
                    why.kind != EngineFailure::Kind::name_taken)
                    return self.finish_without_container(
                        FinishStatus::failed, std::nullopt, why.message);
                return self.unsettled(state.error());
            }
            auto label = [&](const char* name) {
                auto found = state->labels.find(name);
                return found == state->labels.end() ? std::string() : found->second;
            };
            if (label(job_label) != self.job_.id.to_string() ||
                label(instance_label) != self.parts_.instance)
                return self.finish_without_container(
                    FinishStatus::failed,
                    std::nullopt,
                    fmt::format(
                        "a container named {} exists that is not this job's; remove or rename it",
                        container_name(self.job_.id, self.job_.attempt)));
            self.commit_container(state->id, state->phase == ContainerState::Phase::created);
        }));
}

/// `is_fresh`: it was not started, since no start is ever sent before its id is committed.
void JobRun::commit_container(std::string container, bool is_fresh) {
    parts_.owner.container_known(container, job_.id);
    auto stored = then_on_core<bool>([container, is_fresh](JobRun& self, Result<bool> committed) {
        if (!committed) {
            // Not stored (the disk is full, say): the container stays, never started, until it can
            // be.
            self.release_slot();
            return self.retry_later(
                [container, is_fresh](JobRun& run) { run.commit_container(container, is_fresh); });
        }
        self.job_.container_id = container;
        if (!*committed) {
            self.kill_wanted_ = true;
            return self.finish_without_container(
                FinishStatus::killed, std::nullopt, self.stop_words());
        }
        if (!is_fresh) return self.settle();
        if (self.holds_slot_) return self.start();
        self.step_ = Step::waiting_to_repeat;
        self.parts_.owner.take_start_slot(self.shared_from_this());
    });
    parts_.store.set_container(job_.id, job_.attempt, container, std::move(stored));
}

void JobRun::start() {
    step_ = Step::starting;
    parts_.engine.start(*job_.container_id,
                        then<Done, EngineFailure>([](JobRun& self, EngineResult<Done> started) {
                            self.release_slot();
                            if (started) return self.on_started(self.parts_.clock.now());
                            if (started.error().kind == EngineFailure::Kind::no_answer)
                                return self.unsettled(started.error());
                            self.on_start_refused(started.error());
                        }));
}

/// The status of a refused start says little; the container tells what became of it.
void JobRun::on_start_refused(const EngineFailure& failure) {
    parts_.engine.inspect(*job_.container_id,
                          then<ContainerState, EngineFailure>(
                              [failure](JobRun& self, EngineResult<ContainerState> state) {
                                  if (!state) {
                                      if (state.error().kind == EngineFailure::Kind::no_answer)
                                          return self.unsettled(state.error());
                                      return self.on_gone();
                                  }
                                  if (state->phase != ContainerState::Phase::created)
                                      return self.on_state(*state);
                                  // Podman leaves no trace of the error in the container: the
                                  // start's answer is the only one.
                                  if (state->error.empty()) state->error = failure.message;
                                  self.on_state(*state);
                              }));
}

void JobRun::on_started(TimePoint started_at) {
    if (!job_.started_at) {
        log_info("job_started", {{"job", job_.id.to_string()}, {"attempt", job_.attempt}});
        job_.started_at = started_at;
    }
    if (job_.spec.timeout && !job_.deadline_at)
        job_.deadline_at = *job_.started_at + job_.spec.timeout->length;
    parts_.store.set_started(
        job_.id,
        job_.attempt,
        *job_.started_at,
        job_.deadline_at,
        then_on_core<Done>([](JobRun&, Result<Done> stored) {
            if (!stored) log_warning("job_start_not_stored", {{"error", stored.error().message}});
        }));
    watch();
}

void JobRun::watch() {
    step_ = Step::watching;
    failures_ = 0;
    // A short container ends before the answer to its start is here.
    if (end_was_hinted_) return settle();
    arm_deadline();
    if (is_stop_wanted()) request_stop(stop_reason());
    parts_.core.post_after(follow_after, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->follow_output();
    });
}

void JobRun::follow_output() {
    if (step_ != Step::watching || follow_) return;
    auto part = parts_.spool.open_part(job_.id, job_.attempt);
    if (!part)
        return log_warning("output_not_followed",
                           {{"job", job_.id.to_string()}, {"error", part.error().message}});
    follow_ = std::make_shared<OutputCopy>(std::move(*part), parts_.events, job_.id);
    // Whatever ends it, the output is read again whole when the job has ended.
    follow_->run(
        parts_.engine, *job_.container_id, true, [weak = weak_from_this()](EngineResult<Done>) {
            if (auto self = weak.lock()) self->follow_.reset();
        });
}

// ---- finding out
// ------------------------------------------------------------------------------------

void JobRun::settle() {
    end_was_hinted_ = false;
    if (!parts_.link.is_up() || !is_on_this_engine()) {
        step_ = Step::unsettled;
        return;
    }
    if (!job_.container_id) {
        if (!is_stop_wanted()) return create();
        // A container that was created meanwhile never started; reconcile removes it, as its row
        // has ended.
        return finish_without_container(stop_reason(), std::nullopt, stop_words());
    }
    step_ = Step::settling;
    parts_.engine.inspect(
        *job_.container_id,
        then<ContainerState, EngineFailure>([](JobRun& self, EngineResult<ContainerState> state) {
            if (state) return self.on_state(*state);
            if (state.error().kind == EngineFailure::Kind::not_found) return self.on_gone();
            self.unsettled(state.error());
        }));
}

void JobRun::on_state(const ContainerState& state) {
    switch (state.phase) {
        case ContainerState::Phase::created:
            return on_never_started(state);
        case ContainerState::Phase::running:
            if (step_ == Step::watching) return;
            return on_started(state.started_at.value_or(parts_.clock.now()));
        case ContainerState::Phase::ended:
            return end(state);
        case ContainerState::Phase::removing:
            return on_gone();
    }
}

void JobRun::on_gone() {
    if (is_stop_wanted())
        return finish_without_container(stop_reason(), std::nullopt, stop_words());
    finish_without_container(FinishStatus::lost,
                             std::nullopt,
                             "its container was removed, so how it ended can't be known");
}

void JobRun::on_never_started(const ContainerState& state) {
    if (!state.error.empty()) {
        release_slot();
        auto code = state.exit_code != 0 ? std::optional(state.exit_code) : std::nullopt;
        return finish_without_container(FinishStatus::failed, code, state.error);
    }
    step_ = Step::waiting_to_repeat;
    if (holds_slot_) return got_start_slot();
    parts_.owner.take_start_slot(shared_from_this());
}

void JobRun::got_start_slot() {
    holds_slot_ = true;
    if (step_ != Step::waiting_to_repeat) return release_slot();
    repeat_start_after_quiet();
}

/// A start that was sent just before a crash or a cut may still be queued in the engine, which runs
/// an exited container again when asked twice.
void JobRun::repeat_start_after_quiet() {
    parts_.core.post_after(quiet_before_repeat, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self || self->step_ != Step::waiting_to_repeat) return;
        self->parts_.engine.ping(
            self->then<Done, EngineFailure>([](JobRun& run, EngineResult<Done> answer) {
                if (!answer) return run.unsettled(answer.error());
                run.inspect_and_start();
            }));
    });
}

void JobRun::inspect_and_start() {
    parts_.engine.inspect(
        *job_.container_id,
        then<ContainerState, EngineFailure>([](JobRun& self, EngineResult<ContainerState> state) {
            if (!state) {
                if (state.error().kind == EngineFailure::Kind::not_found) return self.on_gone();
                return self.unsettled(state.error());
            }
            bool is_new = state->phase == ContainerState::Phase::created && state->error.empty();
            if (!is_new) {
                self.release_slot();
                return self.on_state(*state);
            }
            if (self.is_stop_wanted())
                return self.finish_without_container(
                    self.stop_reason(), std::nullopt, self.stop_words());
            self.start();  // nothing is awaited since the inspect
        }));
}

void JobRun::engine_is_up() {
    if (step_ == Step::unsettled || step_ == Step::watching) settle();
}

void JobRun::container_ended() {
    end_was_hinted_ = true;
    if (step_ == Step::watching) settle();
}

// ---- stopping
// ---------------------------------------------------------------------------------------

void JobRun::kill(const std::string& by, bool now) {
    if (!job_.kill_requested_by) job_.kill_requested_by = by;
    kill_wanted_ = true;
    bool more_urgent = now && !kill_now_;
    kill_now_ = kill_now_ || now;
    if (step_ != Step::watching) return;  // the next step sees it
    if (stop_is_sent_ && more_urgent) return send_stop();
    request_stop(FinishStatus::killed);
}

void JobRun::request_stop(FinishStatus reason) {
    if (stop_is_sent_) return;
    stop_is_sent_ = true;
    parts_.store.set_stop_reason(
        job_.id,
        job_.attempt,
        reason,
        then_on_core<FinishStatus>([reason](JobRun& self, Result<FinishStatus> stands) {
            if (!stands) {
                self.stop_is_sent_ = false;
                if (self.step_ == Step::watching)
                    self.parts_.core.post_after(backoff_first,
                                                [weak = self.weak_from_this(), reason] {
                                                    auto run = weak.lock();
                                                    if (run && run->step_ == Step::watching)
                                                        run->request_stop(reason);
                                                });
                return;
            }
            self.job_.stop_reason = *stands;
            self.send_stop();
        }));
}

void JobRun::send_stop() {
    Duration grace = kill_now_ ? 0s : stop_grace;
    parts_.engine.stop(*job_.container_id,
                       grace,
                       then<Done, EngineFailure>([](JobRun& self, EngineResult<Done> stopped) {
                           if (self.step_ != Step::watching) return;
                           if (stopped) return self.settle();
                           self.stop_is_sent_ = false;
                           self.unsettled(stopped.error());
                       }));
}

void JobRun::arm_deadline() {
    if (!job_.deadline_at) return;
    Duration left = std::max(Duration(0), *job_.deadline_at - parts_.clock.now());
    parts_.core.post_after(std::min(left, deadline_step), [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->check_deadline();
    });
}

void JobRun::check_deadline() {
    if (step_ != Step::watching) return;  // `watch` arms it again if it comes back there
    if (parts_.clock.now() < *job_.deadline_at) return arm_deadline();
    request_stop(FinishStatus::timed_out);
}

// ---- the end
// ----------------------------------------------------------------------------------------

void JobRun::end(const ContainerState& state) {
    release_slot();
    step_ = Step::ending;
    copy_output(outcome_of(state));
}

Outcome JobRun::outcome_of(const ContainerState& state) const {
    Outcome outcome;
    outcome.started_at = state.started_at;
    outcome.finished_at = state.finished_at.value_or(parts_.clock.now());
    // A very short container can seem to end before it started.
    if (outcome.started_at)
        outcome.finished_at = std::max(outcome.finished_at, *outcome.started_at);
    outcome.exit_code = state.exit_code;
    if (is_stop_wanted() && job_.stop_reason) {
        outcome.finish = *job_.stop_reason;
        outcome.error = stop_words();
    } else if (was_ended_by_engine_restart(state)) {
        outcome.finish = FinishStatus::lost;
        outcome.error = fmt::format(
            "the engine or its host restarted while it ran (exit code {}), so how it would have "
            "ended can't be known",
            state.exit_code);
    } else if (state.exit_code == 0 && state.started_at) {
        outcome.finish = FinishStatus::success;
    } else {
        outcome.finish = FinishStatus::failed;
        if (!state.error.empty())
            outcome.error = state.error;
        else if (state.out_of_memory)
            outcome.error = "it ran out of memory and was killed";
    }
    return outcome;
}

bool JobRun::was_ended_by_engine_restart(const ContainerState& state) const {
    const Outage& outage = parts_.link.outage();
    bool is_suspect = state.exit_code == 137 || state.exit_code == 143 || state.exit_code == 255;
    if (!is_suspect || state.out_of_memory || !state.finished_at) return false;
    bool lived_through_it = job_.claimed_at <= outage.answered_at;
    return lived_through_it && *state.finished_at >= outage.broke_at &&
           *state.finished_at <= outage.answered_at + restart_window;
}

void JobRun::copy_output(Outcome outcome) {
    auto whole = parts_.spool.open_whole(job_.id, job_.attempt);
    if (!whole) {
        log_warning("output_not_copied",
                    {{"job", job_.id.to_string()}, {"error", whole.error().message}});
        return retry_later([outcome](JobRun& self) { self.copy_output(outcome); });
    }
    auto copy = std::make_shared<OutputCopy>(std::move(*whole), parts_.events, job_.id);
    copy->run(
        parts_.engine,
        *job_.container_id,
        false,
        then<Done, EngineFailure>([outcome, copy](JobRun& self, EngineResult<Done> copied) {
            if (!copied && copied.error().kind == EngineFailure::Kind::no_answer)
                return self.unsettled(copied.error());
            if (!copied)
                log_warning("output_not_readable",
                            {{"job", self.job_.id.to_string()}, {"error", copied.error().message}});
            if (copy->disk_error())
                return self.retry_later([outcome](JobRun& run) { run.copy_output(outcome); });
            if (self.follow_) self.follow_->close();
            self.follow_.reset();
            // The sync takes as long as the disk does, so it happens on the disk's own thread.
            auto stored = self.then_on_core<Done>([outcome](JobRun& run, Result<Done> result) {
                if (!result) {
                    log_warning(
                        "output_not_stored",
                        {{"job", run.job_.id.to_string()}, {"error", result.error().message}});
                    return run.retry_later(
                        [outcome](JobRun& again) { again.copy_output(outcome); });
                }
                run.finish(outcome);
            });
            self.parts_.disk.post(
                [&spool = self.parts_.spool,
                 id = self.job_.id,
                 attempt = self.job_.attempt,
                 stored = std::move(stored)]() mutable { stored(spool.commit(id, attempt)); });
        }));
}

void JobRun::finish(Outcome outcome) {
    step_ = Step::ending;
    parts_.store.finish(
        job_.id,
        job_.attempt,
        outcome,
        then_on_core<bool>([outcome](JobRun& self, Result<bool> stored) {
            if (!stored) return self.retry_later([outcome](JobRun& run) { run.finish(outcome); });
            self.parts_.events.output_grew(self.job_.id);
            if (*stored) self.parts_.metrics.count_finished(outcome.finish);
            log_info(
                "job_finished",
                {{"job", self.job_.id.to_string()},
                 {"attempt", self.job_.attempt},
                 {"finish_status", to_string(outcome.finish)},
                 {"exit_code", outcome.exit_code ? std::to_string(*outcome.exit_code) : "none"}});
            self.remove_container();
        }));
}

void JobRun::finish_without_container(FinishStatus status,
                                      std::optional<std::int64_t> exit_code,
                                      std::string error) {
    release_slot();
    Outcome outcome;
    outcome.finish = status;
    outcome.finished_at = parts_.clock.now();
    outcome.exit_code = exit_code;
    outcome.error = std::move(error);
    finish(std::move(outcome));
}

void JobRun::remove_container() {
    if (!job_.container_id) return over();
    step_ = Step::removing;
    parts_.engine.remove(
        *job_.container_id, then<Done, EngineFailure>([](JobRun& self, EngineResult<Done> removed) {
            // What stays is removed by the next reconcile: its row has ended.
            if (!removed)
                log_warning(
                    "container_not_removed",
                    {{"container", *self.job_.container_id}, {"error", removed.error().message}});
            self.over();
        }));
}

void JobRun::over() {
    release_slot();
    step_ = Step::over;
    parts_.owner.run_is_over(job_.id);
}

// ---- small parts
// ------------------------------------------------------------------------------------

void JobRun::unsettled(const EngineFailure& failure) {
    release_slot();
    log_warning("job_unsettled", {{"job", job_.id.to_string()}, {"error", failure.message}});
    step_ = Step::unsettled;
    parts_.link.check();
    retry_later([](JobRun& self) {
        if (self.step_ == Step::unsettled) self.settle();
    });
}

void JobRun::retry_later(UniqueFunction<void(JobRun&)> step) {
    Duration delay = std::min(backoff_longest, backoff_first * (1 << std::min(failures_++, 5)));
    parts_.core.post_after(delay, [weak = weak_from_this(), step = std::move(step)]() mutable {
        if (auto self = weak.lock()) step(*self);
    });
}

void JobRun::release_slot() {
    if (!std::exchange(holds_slot_, false)) return;
    parts_.owner.release_start_slot();
}

bool JobRun::is_on_this_engine() const {
    return parts_.link.identity().id == job_.engine_id;
}

std::string JobRun::stop_words() const {
    if (job_.stop_reason == FinishStatus::timed_out)
        return fmt::format("it ran longer than its timeout of {} and was stopped",
                           job_.spec.timeout ? job_.spec.timeout->to_string() : "unknown length");
    return fmt::format("killed by {}", job_.kill_requested_by.value_or("a user"));
}

}  // namespace scheduler
