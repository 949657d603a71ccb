#include "daemon/dispatch/job_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Span stop_grace{10s};  ///< docker's default
constexpr Duration stop_again_after = 1s;
constexpr Duration backoff_first = 1s;
constexpr Duration backoff_longest = 30s;
constexpr Duration deadline_step = 60s;  ///< bounds how long a timer outlives its job
constexpr Duration follow_again_after = 1s;
constexpr Duration follow_again_after_disk_error = 10s;

}  // namespace

JobRun::JobRun(RunParts& parts, RunningJob job) : parts_(parts), job_(std::move(job)) {
    start_may_be_sent_ = job_.container_id.has_value();
    kill_wanted_ = job_.kill_requested_at.has_value();
    kill_now_ = job_.kill_now;
    may_have_container_ = job_.container_id.has_value();
}

// ---- hints and wishes ----

void JobRun::engine_is_up() {
    if (mutated("trusts_events_alone") && step_ == Step::watching) return;
    if (step_ == Step::unsettled || step_ == Step::watching) settle();
}

void JobRun::container_ended() {
    end_was_hinted_ = true;
    if (step_ == Step::watching) settle();
}

void JobRun::disk_has_space() {
    if (!unwritten_) return;
    failures_ = 0;
    retry_write();
}

void JobRun::kill(const std::string& by, bool now) {
    if (mutated("forgets_kill")) return;
    if (!job_.kill_requested_by) job_.kill_requested_by = by;
    kill_wanted_ = true;
    bool more_urgent = now && !kill_now_;
    kill_now_ = kill_now_ || now;
    if (step_ != Step::watching) return;  // the next step sees it
    // One whose reason is not committed yet is sent as urgent as it is wanted by then.
    if (stop_is_sent_ && more_urgent && job_.stop_reason) return send_stop();
    stop_what_runs(FinishStatus::killed);
}

// ---- finding out ----

void JobRun::settle() {
    end_was_hinted_ = false;
    if (!parts_.link.is_up() || !is_on_this_engine()) {
        step_ = Step::unsettled;
        return;
    }
    if (!job_.container_id) {
        // The daemon before this one may have sent a create too.
        is_create_unanswered_ = true;
        if (!is_stop_wanted()) return create();
        // A container that was created meanwhile never started; reconcile removes it, as its row
        // has ended.
        may_have_container_ = true;
        return finish_stopped();
    }
    step_ = Step::settling;
    inspect([](JobRun& self, const ContainerState& state) { self.on_state(state); });
}

void JobRun::inspect(UniqueFunction<void(JobRun&, ContainerState)> look) {
    parts_.engine.inspect(
        *job_.container_id,
        then<ContainerState, EngineFailure>(
            [look = std::move(look)](JobRun& self, EngineResult<ContainerState> state) mutable {
                if (state) return look(self, std::move(*state));
                if (state.error().kind == EngineFailure::Kind::not_found) return self.on_gone();
                self.unsettled(state.error());
            }));
}

void JobRun::on_state(const ContainerState& state) {
    switch (state.phase) {
        case ContainerState::Phase::created:
            return on_never_started(state);
        case ContainerState::Phase::running:
            seen_running_ = parts_.link.sighting();
            if (step_ == Step::watching) return;
            return on_started(state.started_at.value_or(parts_.clock.now()));
        case ContainerState::Phase::ended:
            if (mutated("restarts_exited")) return start();
            return end(state);
        case ContainerState::Phase::removing:
            return on_gone();
    }
}

void JobRun::on_gone() {
    if (was_stopped()) return finish_stopped();
    finish_without_container(mutated("guesses_lost") ? FinishStatus::failed : FinishStatus::lost,
                             std::nullopt,
                             "its container was removed, so how it ended can't be known");
}

void JobRun::finish_stopped() {
    finish_without_container(stop_reason(), std::nullopt, stop_words());
}

void JobRun::on_never_started(const ContainerState& state) {
    if (!state.error.empty()) {
        release_slot();
        auto code = state.exit_code != 0 ? std::optional(state.exit_code) : std::nullopt;
        return finish_without_container(FinishStatus::failed, code, state.error);
    }
    wait_to_repeat_start();
}

void JobRun::wait_to_repeat_start() {
    step_ = Step::waiting_to_repeat;
    if (holds_slot_) return got_start_slot();
    parts_.owner.take_start_slot(shared_from_this());
}

// ---- stopping ----

/// One that has ended by itself, unheard of, was not stopped and did not run too long: so it is
/// looked at before the reason is committed.
void JobRun::stop_what_runs(FinishStatus reason) {
    if (mutated("stops_blindly")) return request_stop(reason);
    parts_.engine.inspect(*job_.container_id,
                          then<ContainerState, EngineFailure>(
                              [reason](JobRun& self, EngineResult<ContainerState> state) {
                                  // Its end was heard of meanwhile.
                                  if (self.step_ != Step::watching) return;
                                  if (state && state->phase == ContainerState::Phase::running)
                                      return self.request_stop(reason);
                                  self.settle();
                              }));
}

void JobRun::request_stop(FinishStatus reason) {
    if (stop_is_sent_) {
        bool is_more_urgent = kill_now_ && !was_sent_as_kill_ && job_.stop_reason;
        if (is_more_urgent) send_stop();
        return;
    }
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
            failpoint("stop_committed");
            self.send_stop();
            failpoint("stop_sent");
        }));
}

void JobRun::send_stop() {
    Duration grace = kill_now_ ? 0s : job_.spec.stop_grace.value_or(stop_grace).length;
    was_sent_as_kill_ = kill_now_;
    parts_.engine.stop(*job_.container_id,
                       grace,
                       then<Done, EngineFailure>([](JobRun& self, EngineResult<Done> stopped) {
                           if (stopped)
                               self.stop_again_later();
                           else
                               self.stop_is_sent_ = false;  // `watch` sends it again
                           if (self.step_ != Step::watching) return;
                           if (stopped) return self.settle();
                           self.unsettled(stopped.error());
                       }));
}

/// A container that runs though it was stopped was started by a stranger.
void JobRun::stop_again_later() {
    parts_.core.post_after(stop_again_after, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self) return;
        self->stop_is_sent_ = false;
        if (self->step_ == Step::watching) self->request_stop(self->stop_reason());
    });
}

/// The store's deadline is one of the wall clock, for the daemon after this one. In this one the
/// steady clock counts, so that a clock which is set ends no job early or late; it stands still
/// while the machine sleeps, as the job does.
void JobRun::set_deadline() {
    if (deadline_ || !job_.spec.timeout) return;
    Duration timeout = job_.spec.timeout->length;
    if (!job_.deadline_at) job_.deadline_at = *job_.started_at + timeout;
    Duration left = *job_.deadline_at - parts_.clock.now();
    deadline_ = parts_.clock.steady() + std::clamp(left, Duration(0), timeout);
}

void JobRun::arm_deadline() {
    if (!deadline_ || deadline_is_armed_ || mutated("forgets_deadline")) return;
    deadline_is_armed_ = true;
    Duration left = std::max(Duration(0), *deadline_ - parts_.clock.steady());
    parts_.core.post_after(std::min(left, deadline_step), [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self) return;
        self->deadline_is_armed_ = false;
        self->check_deadline();
    });
}

void JobRun::check_deadline() {
    // `watch` arms it again if it comes back there, and when the engine is back.
    if (step_ != Step::watching || !parts_.link.is_up()) return;
    if (parts_.clock.steady() < *deadline_) return arm_deadline();
    stop_what_runs(FinishStatus::timed_out);
}

// ---- output while it runs ----

void JobRun::follow_output() {
    if (step_ != Step::watching || follow_) return;
    followed_.reset();
    has_caught_up_ = false;
    auto open =
        [&spool = parts_.spool, id = job_.id, attempt = job_.attempt, limit = own_log_limit()] {
            return spool.open_part(id, attempt, limit);
        };
    follow_ = std::make_shared<OutputCopy>(
        parts_.core, parts_.disk, parts_.events, job_.id, std::move(open));
    follow_->run(parts_.engine,
                 *job_.container_id,
                 true,
                 [weak = weak_from_this(), copy = std::weak_ptr(follow_)](EngineResult<Done> end) {
                     auto self = weak.lock();
                     if (self && self->follow_ && self->follow_ == copy.lock())
                         self->on_follow_ended(std::move(end));
                 });
}

void JobRun::on_follow_ended(EngineResult<Done> end) {
    auto copy = std::exchange(follow_, nullptr);
    if (copy->disk_error())
        log_warning("output_not_followed",
                    {{"job", job_.id.to_string()}, {"error", copy->disk_error()->message}});
    if (end && !copy->disk_error()) {
        followed_ = std::move(copy);
    } else {
        copy->close();
        follow_again_later(copy->disk_error() ? follow_again_after_disk_error : follow_again_after);
    }
    if (auto outcome = std::exchange(waits_for_follow_, std::nullopt))
        copy_output(std::move(*outcome));
}

/// A stream can break alone. One that broke with the engine is begun anew when that is back.
void JobRun::follow_again_later(Duration after) {
    parts_.core.post_after(after, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (self && self->parts_.link.is_up()) self->follow_output();
    });
}

/// A followed stream does not say where what was printed before ends; a second, plain reading does.
void JobRun::want_output(UniqueFunction<void()> reply) {
    follow_output();
    // It has ended, or that is being found out: soon its output is there as a whole.
    if (!follow_ && (step_ == Step::settling || step_ == Step::ending))
        return output_wanted_.push_back(std::move(reply));
    if (!follow_ || has_caught_up_ || mutated("shows_output_late")) return reply();
    auto bytes = std::make_shared<std::uint64_t>(0);
    auto count = [bytes](const LogFrame& frame) {
        *bytes += frame.bytes.size();
        return true;
    };
    parts_.engine.logs(
        *job_.container_id,
        LogReading{},
        std::move(count),
        [weak = weak_from_this(), copy = std::weak_ptr(follow_), bytes, reply = std::move(reply)](
            const EngineResult<Done>& read) mutable {
            auto self = weak.lock();
            auto follow = copy.lock();
            if (!self || !follow || self->follow_ != follow) return reply();
            auto seen =
                [weak, copy, is_whole = read.has_value(), reply = std::move(reply)]() mutable {
                    auto run = weak.lock();
                    if (run && is_whole && run->follow_ && run->follow_ == copy.lock())
                        run->has_caught_up_ = true;
                    reply();
                };
            follow->when_seen(*bytes, std::move(seen));
        });
}

void JobRun::ask_for_output_again() {
    for (auto& reply : std::exchange(output_wanted_, {}))
        want_output(std::move(reply));
}

// ---- small parts ----

void JobRun::unsettled(const EngineFailure& failure) {
    release_slot();
    log_warning("job_unsettled", {{"job", job_.id.to_string()}, {"error", failure.message}});
    step_ = Step::unsettled;
    ask_for_output_again();
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

void JobRun::retry_write_later(UniqueFunction<void(JobRun&)> step) {
    unwritten_ = std::move(step);
    retry_later([](JobRun& self) { self.retry_write(); });
}

/// Of a write that is refused again, the timer of the time before may try a third one early.
void JobRun::retry_write() {
    if (auto step = std::exchange(unwritten_, {})) step(*this);
}

void JobRun::release_slot() {
    if (!std::exchange(holds_slot_, false)) return;
    parts_.owner.release_start_slot();
}

bool JobRun::is_on_this_engine() const {
    return parts_.link.identity().id == job_.engine_id;
}

std::optional<std::uint64_t> JobRun::own_log_limit() const {
    const auto& limit = job_.spec.log_limit;
    return limit ? std::optional(limit->bytes) : std::nullopt;
}

std::string JobRun::stop_words() const {
    if (job_.stop_reason == FinishStatus::timed_out)
        return fmt::format("it ran longer than its timeout of {} and was stopped",
                           job_.spec.timeout ? job_.spec.timeout->to_string() : "unknown length");
    return fmt::format("killed by {}", job_.kill_requested_by.value_or("a user"));
}

}  // namespace scheduler
