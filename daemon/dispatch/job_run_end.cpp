/// From the container's end to its removal: what became of the job, its output, the outcome.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "daemon/dispatch/job_run.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr int refusals_max = 4;
constexpr Duration restart_window = 15s;  ///< rule 6: after the first answered ping
/// An engine that is told to stop ends its containers before it goes: dockerd(8),
/// --shutdown-timeout, which is 15 s.
constexpr Duration shutdown_window = 20s;
constexpr Duration follow_silence = 2s;  ///< of a followed output, when the job has ended

}  // namespace

void JobRun::end(const ContainerState& state) {
    failpoint("ended");
    if (mutated("removes_before_outcome"))
        parts_.engine.remove(*job_.container_id, [](const EngineResult<Done>&) {});
    release_slot();
    step_ = Step::ending;
    if (!is_end_of_a_stop(state)) return copy_output(outcome_of(state, false));
    if (seen_running_.contact == parts_.link.contact())
        return parts_.link.prove([weak = weak_from_this(), state](bool goes_on) {
            auto self = weak.lock();
            if (!self) return;
            if (goes_on) return self->copy_output(self->outcome_of(state, false));
            self->step_ = Step::unsettled;
            self->settle();  // at once if it is back, else as soon as it is
        });
    bool may_be_of_outage = parts_.link.is_in_outage_since(
        seen_running_, *state.finished_at, shutdown_window, restart_window);
    if (!may_be_of_outage) return copy_output(outcome_of(state, false));
    parts_.engine.remembers_start(
        *job_.container_id,
        state.started_at.value_or(job_.claimed_at),
        *state.finished_at,
        then<bool, EngineFailure>([state](JobRun& self, EngineResult<bool> remembers) {
            if (!remembers && (remembers.error().kind == EngineFailure::Kind::no_answer ||
                               ++self.refusals_ < refusals_max))
                return self.unsettled(remembers.error());
            bool did_restart = !remembers || !*remembers;
            self.copy_output(self.outcome_of(state, did_restart));
        }));
}

Outcome JobRun::outcome_of(const ContainerState& state, bool engine_restarted) const {
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
    } else if (engine_restarted) {
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

/// Whether it ended as containers do that an engine stops when it stops or starts, and nobody else
/// asked for it. An engine that starts does so before it answers anyone, so what was seen running
/// since it answered was ended by its shutdown, if at all.
bool JobRun::is_end_of_a_stop(const ContainerState& state) const {
    if (is_stop_wanted() && job_.stop_reason) return false;
    if (mutated("blames_job_for_restart")) return false;
    bool is_suspect = state.exit_code == 137 || state.exit_code == 143 || state.exit_code == 255;
    return is_suspect && !state.out_of_memory && state.finished_at;
}

/// What was followed from the beginning is not read a second time, if it can be shown to be whole.
void JobRun::copy_output(Outcome outcome) {
    if (mutated("forgets_output")) return finish(outcome);
    if (followed_ && followed_->is_exact()) return complete_follow(std::move(outcome));
    if (follow_ && follow_->is_exact()) {
        waits_for_follow_ = std::move(outcome);
        return wait_for_follow(*waits_for_follow_, follow_->bytes_read());
    }
    read_output_again(std::move(outcome));
}

/// The engine ends a followed stream when the container has ended and all was read. It goes on as
/// long as something comes.
void JobRun::wait_for_follow(Outcome outcome, std::uint64_t bytes_read) {
    parts_.core.post_after(
        follow_silence, [weak = weak_from_this(), outcome = std::move(outcome), bytes_read] {
            auto self = weak.lock();
            if (!self || !self->waits_for_follow_ || !self->follow_) return;
            if (self->follow_->bytes_read() != bytes_read)
                return self->wait_for_follow(outcome, self->follow_->bytes_read());
            self->waits_for_follow_.reset();
            self->read_output_again(outcome);
        });
}

void JobRun::complete_follow(Outcome outcome) {
    auto copy = std::exchange(followed_, nullptr);
    copy->complete(parts_.engine,
                   *job_.container_id,
                   [weak = weak_from_this(),
                    weak_copy = std::weak_ptr(copy),
                    outcome = std::move(outcome)](bool is_complete) {
                       if (auto done = weak_copy.lock()) done->close();
                       auto self = weak.lock();
                       if (!self) return;
                       if (!is_complete) return self->read_output_again(outcome);
                       self->store_output(outcome, Spool::Whole::partial);
                   });
}

void JobRun::read_output_again(Outcome outcome) {
    auto open =
        [&spool = parts_.spool, id = job_.id, attempt = job_.attempt, limit = own_log_limit()] {
            return spool.open_whole(id, attempt, limit);
        };
    auto copy = std::make_shared<OutputCopy>(
        parts_.core, parts_.disk, parts_.events, job_.id, std::move(open));
    copy->run(
        parts_.engine,
        *job_.container_id,
        false,
        then<Done, EngineFailure>([outcome, weak = std::weak_ptr(copy)](JobRun& self,
                                                                        EngineResult<Done> copied) {
            auto done = weak.lock();
            if (!done) return;
            done->close();
            if (!copied && copied.error().kind == EngineFailure::Kind::no_answer)
                return self.unsettled(copied.error());
            bool is_refused = !copied && copied.error().kind == EngineFailure::Kind::refused;
            if (!copied)
                log_warning("output_not_readable",
                            {{"job", self.job_.id.to_string()}, {"error", copied.error().message}});
            if (done->disk_error()) return self.output_not_kept(*done->disk_error(), outcome);
            // An engine in trouble refuses now and then; a driver that can't be read always does.
            if (is_refused && ++self.refusals_ < refusals_max)
                return self.retry_later([outcome](JobRun& run) { run.copy_output(outcome); });
            if (self.follow_) self.follow_->close();
            self.follow_.reset();
            if (!copied) return self.store_output(outcome, Spool::Whole::partial);
            auto whole = done->is_exact() ? Spool::Whole::surely_complete : Spool::Whole::complete;
            self.store_output(outcome, whole);
        }));
}

/// The sync takes as long as the disk does, so it happens on the disk's own thread.
void JobRun::store_output(Outcome outcome, Spool::Whole whole) {
    auto stored =
        then_on_core<std::uint64_t>([outcome](JobRun& self, Result<std::uint64_t> bytes) mutable {
            if (!bytes) return self.output_not_kept(bytes.error(), outcome);
            self.parts_.spool.set_trouble("");
            failpoint("output_stored");
            outcome.output_bytes = static_cast<std::int64_t>(*bytes);
            self.finish(outcome);
        });
    parts_.disk.post([&spool = parts_.spool,
                      id = job_.id,
                      attempt = job_.attempt,
                      whole,
                      limit = own_log_limit(),
                      stored = std::move(stored)]() mutable {
        auto done = spool.commit(id, attempt, whole, limit);
        if (!done) return stored(fail(done.error()));
        stored(spool.bytes_stored(id, attempt));
    });
}

/// A full disk, or one that fails: the job has not ended before its output is kept.
void JobRun::output_not_kept(const Error& error, const Outcome& outcome) {
    // The database is on the same disk, and needs far less.
    parts_.disk.post([&spool = parts_.spool, id = job_.id, attempt = job_.attempt] {
        spool.discard_whole(id, attempt);
    });
    log_warning("output_not_kept", {{"job", job_.id.to_string()}, {"error", error.message}});
    parts_.spool.set_trouble(
        fmt::format("the output of job {} can't be kept, so it has not ended yet: {}",
                    job_.number,
                    error.message));
    retry_write_later([outcome](JobRun& self) { self.copy_output(outcome); });
}

void JobRun::finish(Outcome outcome) {
    step_ = Step::ending;
    if (auto next = next_attempt(outcome)) return end_attempt(std::move(outcome), *std::move(next));
    end_job(std::move(outcome));
}

/// From now on, not from the end: that may have been long ago, when nobody could look.
std::optional<Retry> JobRun::next_attempt(const Outcome& outcome) const {
    if (!job_.spec.retries || kill_wanted_ || mutated("forgets_retries")) return std::nullopt;
    auto wait = job_.spec.retries->wait_after(job_.attempt, outcome.finish);
    if (!wait) return std::nullopt;
    Duration jitter{};
    if (parts_.random)
        jitter = Duration(parts_.random() % static_cast<std::uint64_t>(wait->count() / 10 + 1));
    std::string how(sentence_word(outcome.finish));
    if (outcome.exit_code) how += fmt::format(" with exit code {}", *outcome.exit_code);
    if (outcome.error) how += ": " + *outcome.error;
    return Retry{parts_.clock.now() + *wait + jitter,
                 fmt::format("attempt {} of {} {}", job_.attempt, job_.spec.retries->max + 1, how)};
}

void JobRun::end_attempt(Outcome outcome, Retry next) {
    TimePoint due = next.due_at;
    parts_.store.retry(
        job_.id,
        job_.attempt,
        outcome,
        std::move(next),
        then_on_core<bool>([outcome, due](JobRun& self, Result<bool> stored) {
            if (!stored)
                return self.retry_write_later([outcome](JobRun& run) { run.finish(outcome); });
            // A kill came before, which ends the job.
            if (!*stored) return self.end_job(outcome);
            self.parts_.metrics.count_retried();
            self.parts_.owner.attempt_is_due(due);
            self.outcome_is_stored(outcome, "attempt_finished");
        }));
}

void JobRun::end_job(Outcome outcome) {
    parts_.store.finish(
        job_.id,
        job_.attempt,
        outcome,
        then_on_core<bool>([outcome](JobRun& self, Result<bool> stored) {
            if (!stored)
                return self.retry_write_later([outcome](JobRun& run) { run.finish(outcome); });
            if (*stored) self.parts_.metrics.count_finished(outcome.finish);
            self.outcome_is_stored(outcome, "job_finished");
        }));
}

void JobRun::outcome_is_stored(const Outcome& outcome, std::string_view event) {
    failpoint("outcome_committed");
    parts_.events.output_grew(job_.id);
    log_info(event,
             {{"job", job_.id.to_string()},
              {"attempt", job_.attempt},
              {"finish_status", to_string(outcome.finish)},
              {"exit_code", outcome.exit_code ? std::to_string(*outcome.exit_code) : "none"}});
    remove_container();
    ask_for_output_again();
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
            failpoint("removal_answered");
            // What stays is removed by the next reconcile: its row has ended.
            if (removed)
                self.may_have_container_ = false;
            else
                log_warning(
                    "container_not_removed",
                    {{"container", *self.job_.container_id}, {"error", removed.error().message}});
            self.over();
        }));
    failpoint("removal_sent");
}

void JobRun::over() {
    release_slot();
    step_ = Step::over;
    parts_.owner.run_is_over(job_.id, !may_have_container_ && !is_create_unanswered_);
}

}  // namespace scheduler
