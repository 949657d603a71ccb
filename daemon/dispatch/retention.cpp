#include "daemon/dispatch/retention.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"

namespace scheduler {

Retention::Retention(Parts parts) : parts_(std::move(parts)) {}

void Retention::start(std::filesystem::path ballast) {
    ballast_ = std::make_shared<Ballast>(std::move(ballast));
    is_started_ = true;
    wake_in(after_jobs_ended);
}

void Retention::stop() {
    is_stopped_ = true;
    if (round_) refuse_stopped(*round_);
    for (auto& round : waiting_)
        refuse_stopped(*round);
    round_.reset();
    waiting_.clear();
}

void Retention::refuse_stopped(Round& round) {
    if (!round.reply) return;
    round.reply(
        fail(ErrorCode::unavailable, "schedulerd is shutting down; prune again when it is back"));
}

void Retention::set_limits(RetentionLimits limits) {
    limits_ = limits;
    if (is_started_) wake_in(after_jobs_ended);
}

void Retention::jobs_ended() {
    if (jobs_ended_.exchange(true)) return;
    parts_.core.post(guarded([](Retention& self) { self.wake_in(after_jobs_ended); }));
}

void Retention::disk_is_full() {
    parts_.core.post(guarded([](Retention& self) { self.wake_in(Duration(0)); }));
}

void Retention::prune(std::optional<RetentionLimits> limits,
                      bool dry_run,
                      Reply<PruneReport> reply) {
    auto round = std::make_unique<Round>();
    round->has_own_limits = limits.has_value();
    round->limits = limits.value_or(RetentionLimits());
    round->dry_run = dry_run;
    round->is_ordered = true;
    round->reply = std::move(reply);
    parts_.core.post([weak = anchor_.weak(), round = std::move(round)]() mutable {
        auto* self = weak.get();
        if (!self) return;
        if (self->is_stopped_) return refuse_stopped(*round);
        if (self->orders_waiting() < orders_waiting_max) return self->enqueue(std::move(round));
        round->reply(fail(ErrorCode::busy,
                          fmt::format("{} prunes wait already; try again when they are done",
                                      orders_waiting_max)));
    });
}

// ---- rounds ----

void Retention::wake_in(Duration delay) {
    SteadyPoint at = parts_.clock.steady() + delay;
    if (wakes_at_ && *wakes_at_ <= at) return;
    wakes_at_ = at;
    parts_.core.post_after(delay, guarded([at](Retention& self) {
                               if (self.wakes_at_ != at) return;
                               self.wakes_at_.reset();
                               self.begin_background();
                           }));
}

/// One that waits already will see what this one would.
void Retention::begin_background() {
    jobs_ended_ = false;
    bool one_waits = static_cast<std::int64_t>(waiting_.size()) > orders_waiting();
    if (!one_waits) enqueue(std::make_unique<Round>());
}

std::int64_t Retention::orders_waiting() const {
    return std::count_if(
        waiting_.begin(), waiting_.end(), [](const auto& round) { return round->is_ordered; });
}

/// A clock that is set wrong for a while must not cost the history. At the first look nobody knows
/// what the clock said before, so it counts as a jump.
bool Retention::clock_is_settled() {
    SteadyPoint steady = parts_.clock.steady();
    Duration offset = std::chrono::duration_cast<Duration>(parts_.clock.now().time_since_epoch() -
                                                           steady.time_since_epoch());
    if (!wall_offset_) {
        clock_settled_at_ = steady + clock_settles_in;
    } else if (std::chrono::abs(offset - *wall_offset_) > clock_jump) {
        clock_settled_at_ = steady + clock_settles_in;
        log_info("retention_waits_for_clock",
                 {{"jumped_s", (offset - *wall_offset_).count() / 1000},
                  {"for_s", clock_settles_in.count() / 1000}});
    }
    wall_offset_ = offset;
    return steady >= clock_settled_at_;
}

void Retention::enqueue(std::unique_ptr<Round> round) {
    waiting_.push_back(std::move(round));
    if (!round_) begin_next();
}

void Retention::begin_next() {
    if (waiting_.empty()) return;
    round_ = std::move(waiting_.front());
    waiting_.pop_front();
    set_cutoff();
    if (round_->dry_run) return next_step(&Retention::containers);
    finish_removals();
}

/// The clock is looked at when the round begins: it may have waited for others.
void Retention::set_cutoff() {
    if (!round_->has_own_limits) round_->limits = limits_;
    auto& age = round_->limits.history_age;
    if (!age) return;
    round_->ended_before = parts_.clock.now() - *age;
    if (round_->has_own_limits || clock_is_settled()) return;
    age.reset();
    auto totals = parts_.store.history_totals();
    if (totals && totals->oldest_ended_at && *totals->oldest_ended_at < round_->ended_before)
        warn(
            fmt::format("nothing is removed by its age for {} minutes after the start, and after "
                        "the clock was set; give --older-than to do it now",
                        clock_settles_in / std::chrono::minutes(1)));
}

void Retention::warn(std::string_view what) {
    std::string& warning = round_->report.warning;
    if (!warning.empty()) warning += "; ";
    warning += what;
}

/// What was committed and then interrupted: its files may be there still.
/// Those that can't be removed stay behind, and do not keep the ones after them from being tried.
void Retention::finish_removals() {
    auto left = parts_.store.removals(round_->removals_tried, jobs_a_batch);
    if (!left) return end_round(left.error());
    if (left->empty()) return next_step(&Retention::containers);
    round_->removals_tried = left->back().id;
    remove_files(std::move(*left), &Retention::finish_removals);
}

void Retention::containers() {
    if (!parts_.engine_is_up()) return next_step(&Retention::jobs);
    if (!round_->is_ordered && parts_.reconciler.is_clear()) return next_step(&Retention::jobs);
    EngineReply<std::int64_t> reply =
        guarded([](Retention& self, EngineResult<std::int64_t> swept) {
            if (swept)
                self.round_->report.containers = *swept;
            else
                self.warn("not all containers that are left over could be removed: " +
                          swept.error().message);
            self.later(&Retention::jobs);
        });
    if (round_->dry_run)
        parts_.reconciler.count_left_over(parts_.is_run, std::move(reply));
    else
        parts_.reconciler.sweep(parts_.is_run, std::move(reply));
}

// ---- jobs ----

std::int64_t Retention::batch_max() const {
    return round_->ballast_is_dropped ? jobs_a_batch_on_full_disk : jobs_a_batch;
}

PruneBatch Retention::batch() const {
    PruneBatch batch;
    if (round_->limits.history_age) batch.ended_before = round_->ended_before;
    batch.jobs_kept = round_->limits.history_count;
    if (mutated("prunes_one_too_many") && batch.jobs_kept) --*batch.jobs_kept;
    batch.spared = parts_.runs();
    if (!mutated("prunes_with_container_left")) {
        auto left_over = parts_.reconciler.left_over();
        batch.only_never_started = !left_over;
        if (left_over)
            batch.spared.insert(batch.spared.end(), left_over->begin(), left_over->end());
    }
    batch.jobs_max = batch_max();
    batch.after = round_->place;
    return batch;
}

/// Once a round, when its jobs begin.
void Retention::warn_of_kept_jobs() {
    auto left_over = parts_.reconciler.left_over();
    if (!left_over)
        warn(
            fmt::format("until the engine says which containers are left, and while more than {} "
                        "can't be removed, no job is removed by number, and by age only those that "
                        "did not run",
                        Reconciler::left_over_max));
    else if (!left_over->empty())
        warn(fmt::format("{} {} kept whose container could not be removed",
                         left_over->size(),
                         left_over->size() == 1 ? "job is" : "jobs are"));
}

void Retention::jobs() {
    if (!round_->limits.history_age && !round_->limits.history_count)
        return next_step(&Retention::outputs);
    if (!std::exchange(round_->has_told_of_kept, true)) warn_of_kept_jobs();
    if (round_->dry_run) return preview_jobs();
    PruneBatch next = batch();
    if (!round_->has_begun) {
        // Mostly there is nothing to do, and a look costs no commit.
        auto preview = parts_.store.preview_prune(next);
        if (!preview) return end_round(preview.error());
        if (preview->jobs == 0 && !preview->has_more) return next_step(&Retention::outputs);
        round_->has_begun = true;
    }
    parts_.store.prune(std::move(next), then<PruneResult>([](Retention& self, auto result) {
                           self.on_jobs_pruned(std::move(result));
                       }));
}

void Retention::on_jobs_pruned(Result<PruneResult> result) {
    if (!result) return on_error(result.error(), &Retention::jobs);
    failpoint("history_pruned");
    round_->report.jobs += result->jobs;
    round_->report.output_bytes += result->output_bytes;
    if (result->last.number > 0) round_->place = result->last;
    parts_.metrics.count_purged(result->jobs);
    bool has_more = result->has_more;
    if (!has_more) round_->has_begun = false;
    remove_files(std::move(result->removals), has_more ? &Retention::jobs : &Retention::outputs);
}

void Retention::preview_jobs() {
    PruneBatch next = batch();
    next.jobs_max = jobs_a_preview;
    next.jobs_before = round_->report.jobs;
    auto preview = parts_.store.preview_prune(next);
    if (!preview) return end_round(preview.error());
    round_->report.jobs += preview->jobs;
    round_->report.output_bytes += preview->output_bytes;
    if (preview->last.number > 0) round_->place = preview->last;
    if (preview->has_more) return later(&Retention::jobs);
    // Outputs that go with their jobs are counted already: go on behind them. While nobody knows
    // which containers are left no job goes that has output.
    if (next.only_never_started) round_->place = {};
    next_step(&Retention::outputs);
}

// ---- outputs ----

void Retention::outputs() {
    if (!round_->limits.log_total) return next_step(&Retention::space);
    if (round_->dry_run) return preview_outputs();
    if (!round_->has_begun) {
        auto totals = parts_.store.history_totals();
        if (!totals) return end_round(totals.error());
        if (totals->output_bytes <= *round_->limits.log_total) return next_step(&Retention::space);
        round_->has_begun = true;
    }
    parts_.store.prune_output(*round_->limits.log_total,
                              batch_max(),
                              parts_.clock.now(),
                              then<PruneResult>([](Retention& self, auto result) {
                                  self.on_outputs_pruned(std::move(result));
                              }));
}

void Retention::on_outputs_pruned(Result<PruneResult> result) {
    if (!result) return on_error(result.error(), &Retention::outputs);
    failpoint("output_pruned");
    round_->report.outputs += result->jobs;
    round_->report.output_bytes += result->output_bytes;
    bool has_more = result->has_more;
    if (!has_more) round_->has_begun = false;
    remove_files(std::move(result->removals), has_more ? &Retention::outputs : &Retention::space);
}

void Retention::preview_outputs() {
    PruneReport& report = round_->report;
    OutputPreview look;
    look.bytes_kept = *round_->limits.log_total;
    look.jobs_max = jobs_a_preview;
    look.after = round_->place;
    look.bytes_before = report.output_bytes;
    // These jobs are kept, so their output is not counted with them.
    if (!std::exchange(round_->has_begun, true)) look.but_these = batch().spared;
    auto preview = parts_.store.preview_prune_output(look);
    if (!preview) return end_round(preview.error());
    report.outputs += preview->jobs;
    report.output_bytes += preview->output_bytes;
    if (preview->jobs > 0) round_->place = preview->last;
    if (preview->has_more) return later(&Retention::outputs);
    end_round(std::nullopt);
}

// ---- space ----

void Retention::space() {
    if (round_->dry_run) return end_round(std::nullopt);
    // Some pages stay free for what comes next; who orders a prune wants them all back.
    std::int64_t kept = round_->is_ordered ? 0 : pages_kept_free;
    if (!round_->has_begun) {
        auto totals = parts_.store.history_totals();
        if (!totals) return end_round(totals.error());
        if (totals->free_pages <= kept) return end_round(std::nullopt);
        round_->has_begun = true;
    }
    parts_.store.give_back_space(
        pages_a_slice, kept, then<bool>([](Retention& self, Result<bool> has_more) {
            // On a full disk this needs room itself; what was removed is removed.
            if (!has_more || !*has_more) return self.end_round(std::nullopt);
            self.later(&Retention::space);
        }));
}

// ---- small parts ----

void Retention::next_step(Step step) {
    round_->has_begun = false;
    (this->*step)();
}

void Retention::later(Step step) {
    parts_.core.post_after(pause, guarded([step](Retention& self) {
                               if (self.round_) (self.*step)();
                           }));
}

void Retention::remove_files(std::vector<Removal> removals, Step step) {
    if (mutated("keeps_files_of_pruned")) removals.clear();
    if (removals.empty()) return later(step);
    auto removed =
        then<std::vector<JobId>>([step](Retention& self, Result<std::vector<JobId>> gone) {
            failpoint("output_files_removed");
            if (gone && !gone->empty())
                // Should this fail, the next round removes them once more.
                self.parts_.store.forget_removals(std::move(*gone), [](const Result<Done>&) {});
            self.later(step);
        });
    parts_.disk.post([&spool = parts_.spool,
                      removals = std::move(removals),
                      removed = std::move(removed)]() mutable {
        std::vector<JobId> gone;
        std::string first_error;
        for (const Removal& removal : removals) {
            auto done = spool.remove(removal.id, removal.attempts);
            if (done)
                gone.push_back(removal.id);
            else if (first_error.empty())
                first_error = done.error().message;
        }
        if (!first_error.empty())
            log_warning("output_not_removed",
                        {{"error", first_error},
                         {"jobs", static_cast<std::int64_t>(removals.size() - gone.size())}});
        removed(std::move(gone));
    });
}

void Retention::on_error(const Error& error, Step step) {
    if (error.code != ErrorCode::disk_full || round_->ballast_is_dropped) return end_round(error);
    round_->ballast_is_dropped = true;
    auto dropped = then<bool>([step, error](Retention& self, Result<bool> was_there) {
        if (!was_there || !*was_there) return self.end_round(error);
        log_info("ballast_dropped");
        (self.*step)();
    });
    parts_.disk.post(
        [ballast = ballast_, dropped = std::move(dropped)]() mutable { dropped(ballast->drop()); });
}

void Retention::end_round(std::optional<Error> error) {
    auto round = std::move(round_);
    const PruneReport& report = round->report;
    if (!round->dry_run && (report.jobs > 0 || report.outputs > 0 || report.containers > 0))
        log_info("history_pruned",
                 {{"jobs", report.jobs},
                  {"outputs", report.outputs},
                  {"output_bytes", report.output_bytes},
                  {"containers", report.containers}});
    if (error && !round->reply) log_warning("retention_failed", {{"error", error->message}});
    parts_.disk.post([ballast = ballast_] {
        if (auto made = ballast->make(); !made)
            log_debug("ballast_not_made", {{"error", made.error().message}});
    });
    if (!round->is_ordered) wake_in(error ? round_soonest : next_round_in());
    if (round->reply) {
        if (error)
            round->reply(fail(*error));
        else
            round->reply(std::move(round->report));
    }
    if (!round_) begin_next();
}

/// When the oldest job gets too old, within bounds. Ends of jobs wake it sooner.
Duration Retention::next_round_in() {
    auto totals = parts_.store.history_totals();
    if (!totals || !totals->oldest_ended_at || !limits_.history_age) return round_latest;
    Duration left = *totals->oldest_ended_at + *limits_.history_age - parts_.clock.now();
    return std::clamp<Duration>(left, round_soonest, round_latest);
}

}  // namespace scheduler
