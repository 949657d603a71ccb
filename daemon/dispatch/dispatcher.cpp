#include "daemon/dispatch/dispatcher.hpp"

#include <algorithm>
#include <limits>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Duration reconcile_every = 60s;
/// How long an answer of the engine is believed.
constexpr Duration engine_known_for = 10s;
constexpr Duration claim_retry = 1s;
/// How long the answer that an image is there is believed. Only a warning hangs on it.
constexpr Duration image_known_for = 60s;
constexpr std::size_t images_known_max = 1000;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

}  // namespace

Dispatcher::Dispatcher(Parts parts, DispatchOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      link_({parts_.engine,
             parts_.store,
             parts_.clock,
             parts_.core,
             parts_.instance,
             parts_.engine_is_given},
            {[this] { engine_came_up(); },
             [this](const std::string& container) { container_ended(container); }}),
      run_parts_{parts_.engine,
                 parts_.store,
                 parts_.spool,
                 parts_.events,
                 parts_.metrics,
                 parts_.clock,
                 parts_.core,
                 parts_.disk,
                 link_,
                 *this,
                 parts_.instance,
                 parts_.random},
      reconciler_(parts_.engine, parts_.store, parts_.instance, [this] { reconcile_later(); }),
      retention_({parts_.store,
                  parts_.spool,
                  reconciler_,
                  parts_.metrics,
                  parts_.clock,
                  parts_.core,
                  parts_.disk,
                  [this] { return link_.is_up(); },
                  [this] { return run_ids(); },
                  [this](JobId job, std::int64_t attempt) { return has_run(job, attempt); }}),
      expiry_({parts_.store,
               parts_.clock,
               parts_.core,
               [this] { return hindrances(); },
               [this] { expiry_changed(); },
               [this] { retention_.jobs_ended(); }}) {
    retention_.set_limits(options_.retention);
}

Dispatcher::~Dispatcher() = default;

Result<Done> Dispatcher::start() {
    auto rows = parts_.store.running();
    if (!rows) return fail(rows.error());
    for (RunningJob& row : *rows) {
        log_info("job_adopted", {{"job", row.id.to_string()}, {"attempt", row.attempt}});
        add_run(std::move(row)).settle();
    }
    hold_ups_.daemon_started(parts_.clock.now());
    expiry_.look();
    link_.start();
    retention_.start(options_.ballast);
    return Done{};
}

void Dispatcher::stop_claiming() {
    is_draining_ = true;
    retention_.stop();
    expiry_.stop();
    parts_.due_timer.set(std::nullopt);
}

void Dispatcher::stop() {
    stop_claiming();
    stopped_ = true;
    link_.stop();
    anchor_.let_go();
    waiting_for_slot_.clear();
    waiting_for_run_.clear();
    runs_.clear();
}

void Dispatcher::set_options(DispatchOptions options) {
    options_ = std::move(options);
    retention_.set_limits(options_.retention);
    pump();
}

// ---- the engine ----

void Dispatcher::engine_came_up() {
    for (auto& run : all_runs())
        run->engine_is_up();
    reconcile();
    settled_at_ = parts_.clock.steady() + reconcile_every;
    is_look_owed_ = true;
    reconcile_later();
    next_due_ = TimePoint{};
    pump();
}

void Dispatcher::disk_has_space() {
    parts_.core.post([weak = anchor_.weak()] {
        auto* self = weak.get();
        if (!self) return;
        for (auto& run : self->all_runs())
            run->disk_has_space();
    });
}

void Dispatcher::container_ended(const std::string& container) {
    auto job = containers_.find(container);
    if (job == containers_.end() || mutated("ignores_end_events")) return;
    if (auto run = runs_.find(job->second); run != runs_.end()) run->second->container_ended();
}

void Dispatcher::look_after_engine() {
    if (parts_.clock.steady() - link_.status().answered_at < engine_known_for) return;
    parts_.core.post([weak = anchor_.weak()] {
        if (auto* self = weak.get()) self->link_.check();
    });
}

/// While jobs run, a hang is noticed by pings.
void Dispatcher::check_engine_later() {
    if (is_check_armed_ || stopped_) return;
    is_check_armed_ = true;
    parts_.core.post_after(engine_known_for, [weak = anchor_.weak()] {
        auto* self = weak.get();
        if (!self) return;
        self->is_check_armed_ = false;
        if (self->runs_.empty()) return;
        self->link_.check();
        self->check_engine_later();
    });
}

/// The slow timer runs while jobs do, or a container may be left over: an idle daemon does not wake
/// up, but for one last look a while after the engine came up. A create that lay in the engine may
/// be executed after the first one, for a job whose end another process committed, and died.
void Dispatcher::reconcile_later() {
    if (is_reconcile_armed_ || stopped_) return;
    is_reconcile_armed_ = true;
    parts_.core.post_after(reconcile_every, [weak = anchor_.weak()] {
        auto* self = weak.get();
        if (!self) return;
        self->is_reconcile_armed_ = false;
        if (self->runs_.empty() && self->reconciler_.is_clear() && !self->is_look_owed_) return;
        self->reconcile_later();
        if (!self->link_.is_up()) return;
        self->is_look_owed_ = self->parts_.clock.steady() < self->settled_at_;
        self->reconcile();
    });
}

void Dispatcher::reconcile() {
    reconciler_.run([this](JobId job, std::int64_t attempt) { return has_run(job, attempt); },
                    [this](EngineResult<std::unordered_set<std::string>> running) {
                        if (!running) {
                            reconcile_later();
                            return link_.check();
                        }
                        if (mutated("trusts_events_alone")) return;
                        std::vector<std::shared_ptr<JobRun>> ended;
                        for (auto& [id, run] : runs_)
                            if (run->is_watching() && running->count(*run->job().container_id) == 0)
                                ended.push_back(run);
                        for (auto& run : ended)
                            run->settle();
                    });
}

void Dispatcher::has_image(std::string reference, UniqueFunction<void(std::optional<bool>)> reply) {
    if (image_is_known(reference)) return reply(true);
    parts_.core.post([weak = anchor_.weak(),
                      reference = std::move(reference),
                      reply = std::move(reply)]() mutable {
        auto* self = weak.get();
        if (!self || !self->link_.is_up()) return reply(std::nullopt);
        self->parts_.engine.has_image(
            reference, [weak, reference, reply = std::move(reply)](EngineResult<bool> has) mutable {
                if (auto* alive = weak.get(); alive && has && *has)
                    alive->remember_image(reference);
                reply(has ? std::optional(*has) : std::nullopt);
            });
    });
}

bool Dispatcher::image_is_known(const std::string& reference) {
    SteadyPoint now = parts_.clock.steady();
    std::lock_guard lock(images_mutex_);
    auto known = known_images_.find(reference);
    return known != known_images_.end() && now < known->second + image_known_for;
}

void Dispatcher::remember_image(const std::string& reference) {
    SteadyPoint now = parts_.clock.steady();
    std::lock_guard lock(images_mutex_);
    if (known_images_.size() >= images_known_max) known_images_.clear();
    known_images_[reference] = now;
}

void Dispatcher::want_output(JobId job, UniqueFunction<void()> reply) {
    parts_.core.post([weak = anchor_.weak(), job, reply = std::move(reply)]() mutable {
        auto* self = weak.get();
        if (!self) return;
        auto run = self->runs_.find(job);
        if (run == self->runs_.end()) return reply();
        run->second->want_output(std::move(reply));
    });
}

void Dispatcher::survey(UniqueFunction<void(Survey)> reply) {
    parts_.core.post([weak = anchor_.weak(), reply = std::move(reply)]() mutable {
        auto* self = weak.get();
        if (!self) return;
        if (!self->link_.is_up()) {
            Survey survey = self->known_here();
            survey.unreachable = self->link_.status().reason;
            return reply(std::move(survey));
        }
        self->parts_.engine.list(instance_label,
                                 self->parts_.instance,
                                 [weak, reply = std::move(reply)](
                                     EngineResult<std::vector<ContainerSummary>> listed) mutable {
                                     auto* alive = weak.get();
                                     if (!alive) return;
                                     Survey survey = alive->known_here();
                                     if (listed)
                                         survey.containers = std::move(*listed);
                                     else
                                         survey.unreachable = listed.error().message;
                                     for (const ContainerSummary& container : survey.containers)
                                         survey.container_ids.insert(container.id);
                                     reply(std::move(survey));
                                 });
    });
}

Survey Dispatcher::known_here() const {
    Survey survey;
    survey.engine_id = link_.identity().id;
    for (const auto& [job, run] : runs_)
        survey.in_care.insert(job);
    survey.has_free_slot = free_slots() > 0;
    survey.claims = claims_;
    survey.last_claimed_due = last_claimed_due_;
    return survey;
}

// ---- claiming ----

void Dispatcher::wake_at(TimePoint due, std::optional<TimePoint> expires_at) {
    if (expires_at)
        parts_.core.post([weak = anchor_.weak(), expires_at = *expires_at] {
            if (auto* self = weak.get()) self->expiry_.note(expires_at);
        });
    if (due.time_since_epoch().count() >= next_due_ms_.load()) return;
    parts_.core.post([weak = anchor_.weak(), due] {
        auto* self = weak.get();
        if (!self) return;
        self->note_due(due);
        self->pump();
    });
}

void Dispatcher::wake() {
    wake_at(TimePoint(Duration(std::numeric_limits<std::int64_t>::min())));
}

void Dispatcher::kill(JobId job, std::string by, bool now) {
    parts_.core.post([weak = anchor_.weak(), job, by = std::move(by), now] {
        auto* self = weak.get();
        if (!self) return;
        // A claim is answered before a later wish, and both are posted here in that order.
        if (auto next = self->waiting_for_run_.find(job); next != self->waiting_for_run_.end()) {
            next->second.kill_requested_at = self->parts_.clock.now();
            next->second.kill_requested_by = by;
            next->second.kill_now = next->second.kill_now || now;
            return;
        }
        if (auto run = self->runs_.find(job); run != self->runs_.end()) run->second->kill(by, now);
    });
}

void Dispatcher::prune(std::optional<RetentionLimits> limits,
                       bool dry_run,
                       Reply<PruneReport> reply) {
    retention_.prune(limits, dry_run, std::move(reply));
}

std::vector<std::shared_ptr<JobRun>> Dispatcher::all_runs() const {
    std::vector<std::shared_ptr<JobRun>> runs;
    for (const auto& [id, run] : runs_)
        runs.push_back(run);
    return runs;
}

std::vector<JobId> Dispatcher::run_ids() const {
    std::vector<JobId> ids;
    for (const auto& [id, run] : runs_)
        ids.push_back(id);
    return ids;
}

void Dispatcher::due_timer_rang() {
    expiry_.timer_rang();
    pump();
}

int Dispatcher::max_starting() const {
    if (options_.max_starting > 0) return options_.max_starting;
    return std::max(1, 2 * link_.identity().cores);
}

int Dispatcher::free_to_run() const {
    if (mutated("ignores_max_running")) return options_.max_running;
    return options_.max_running - static_cast<int>(runs_.size());
}

int Dispatcher::free_to_start() const {
    return max_starting() - starting_;
}

int Dispatcher::free_slots() const {
    return std::min(free_to_run(), free_to_start());
}

void Dispatcher::pump() {
    if (stopped_ || !link_.is_up()) return;
    if (is_claiming_) {
        claim_again_ = true;
        return;
    }
    hand_out_start_slots();
    if (is_draining_) return;
    int slots = free_slots();
    hold_ups_.note_limits(free_to_run() <= 0,
                          free_to_start() <= 0,
                          options_.max_running,
                          max_starting(),
                          parts_.clock.now());
    if (slots > 0 && next_due_ && *next_due_ <= parts_.clock.now()) return claim(slots);
    arm_timer();
}

void Dispatcher::claim(int slots) {
    is_claiming_ = true;
    claim_again_ = false;
    // What is submitted from here on may be newer than the claim's picture: it is noted and merged.
    next_due_.reset();
    next_due_ms_ = never;
    ClaimLimits limits{parts_.clock.now(), slots, link_.identity().id, hindrances()};
    if (mutated("claims_early")) limits.now += 2s;
    Reply<ClaimResult> reply = [weak = anchor_.weak(),
                                until = limits.now](Result<ClaimResult> claimed) {
        if (auto* self = weak.get()) self->on_claimed(until, std::move(claimed));
    };
    parts_.store.claim_due(std::move(limits), reply_on<ClaimResult>(parts_.core, std::move(reply)));
}

std::vector<Hindrance> Dispatcher::hindrances() const {
    constexpr const char* away = "the engine was unreachable";
    std::vector<Hindrance> known = hold_ups_.known(parts_.clock.now());
    const Outage& outage = link_.outage();
    // While it is away nobody looks at the limits, which stand behind the daemon's own absence.
    if (!link_.is_up())
        known.insert(known.begin() + 1, {away, parts_.clock.now()});
    else if (!outage.reason.empty())
        known.push_back({away, outage.answered_at});
    return known;
}

void Dispatcher::on_claimed(TimePoint until, Result<ClaimResult> claimed) {
    if (!claimed) {
        is_claiming_ = false;
        hold_ups_.note_write(claimed.error().code);
        log_warning("claim_failed", {{"error", claimed.error().message}});
        next_due_ = TimePoint{};
        return retry_claim_later();
    }
    if (!claimed->jobs.empty()) failpoint("claimed");
    hold_ups_.note_write(std::nullopt);
    if (!claimed->jobs.empty()) last_claimed_due_ = claimed->jobs.front().due_at;
    note_due(claimed->next_due_at);
    if (mutated("begins_in_reverse")) std::reverse(claimed->jobs.begin(), claimed->jobs.end());
    for (RunningJob& job : claimed->jobs) {
        log_info("job_dispatched",
                 {{"job", job.id.to_string()},
                  {"attempt", job.attempt},
                  {"lateness_ms", (job.claimed_at - job.due_at).count()}});
        TimePoint wait_began = due_from(job.due_at, job.created_at);
        if (job.released_at) wait_began = std::max(wait_began, *job.released_at);
        parts_.metrics.count_dispatched(std::max(job.claimed_at - wait_began, Duration(0)));
        ++starting_;
        ++claims_;
        last_claimed_due_ = std::max(*last_claimed_due_, job.due_at);
        begin_run(std::move(job));
    }
    // Not before: a run that ends at once frees its slot while the others are not counted yet.
    is_claiming_ = false;
    // Due, but not given out: paused, or expired and not ended yet. A resume wakes; a pause that
    // ends by itself is looked at on the timer. What came due during the claim is none of these.
    bool was_held_back =
        next_due_ && *next_due_ <= until && claimed->jobs.empty() && !claimed->has_more;
    hold_ups_.note_pause(was_held_back && claimed->is_paused);
    if (was_held_back && !claim_again_) {
        auto pause = parts_.store.pause_state();
        next_due_ =
            pause && pause->paused ? pause->until : std::optional(parts_.clock.now() + claim_retry);
    }
    pump();
}

void Dispatcher::note_due(std::optional<TimePoint> due) {
    if (mutated("loses_wake_up") && next_due_) return;
    if (due && (!next_due_ || *due < *next_due_)) next_due_ = due;
}

void Dispatcher::retry_claim_later() {
    if (std::exchange(is_retry_armed_, true)) return;
    parts_.core.post_after(claim_retry, [weak = anchor_.weak()] {
        auto* self = weak.get();
        if (!self) return;
        self->is_retry_armed_ = false;
        self->pump();
    });
}

/// The timer may have reached a due time, and not have rung yet: what is set then takes that ring
/// away.
void Dispatcher::expiry_changed() {
    arm_timer();
    if (next_due_ && *next_due_ <= parts_.clock.now()) pump();
}

void Dispatcher::arm_timer() {
    auto at = next_due_ && *next_due_ > parts_.clock.now() ? next_due_ : std::nullopt;
    if (auto expiry = expiry_.next(); expiry && (!at || *expiry < *at)) at = expiry;
    parts_.due_timer.set(at);
    next_due_ms_ = next_due_ ? next_due_->time_since_epoch().count() : never;
}

// ---- runs ----

JobRun& Dispatcher::add_run(RunningJob job) {
    JobId id = job.id;
    if (job.container_id) containers_[*job.container_id] = id;
    auto run = std::make_shared<JobRun>(run_parts_, std::move(job));
    auto& added = runs_[id];
    added = std::move(run);
    reconcile_later();
    check_engine_later();
    return *added;
}

/// A job that is tried again may be claimed while its last attempt is being cleaned up.
void Dispatcher::begin_run(RunningJob job) {
    JobId id = job.id;
    if (runs_.count(id) == 0) return add_run(std::move(job)).begin();
    --starting_;  // others may start meanwhile
    waiting_for_run_.insert_or_assign(id, std::move(job));
}

void Dispatcher::begin_waiting_run(RunningJob job) {
    // Another engine may answer by now.
    bool is_on_engine = link_.is_up() && link_.identity().id == job.engine_id;
    if (!is_on_engine) return add_run(std::move(job)).settle();
    ++starting_;
    add_run(std::move(job)).begin();
}

bool Dispatcher::has_run(JobId job, std::int64_t attempt) const {
    auto run = runs_.find(job);
    if (run != runs_.end() && run->second->job().attempt == attempt) return true;
    auto next = waiting_for_run_.find(job);
    return next != waiting_for_run_.end() && next->second.attempt == attempt;
}

void Dispatcher::attempt_is_due(TimePoint due) {
    note_due(due);
    pump();  // a write that took long may have let it come due
}

void Dispatcher::take_start_slot(std::shared_ptr<JobRun> run) {
    waiting_for_slot_.push_back(run);
    hand_out_start_slots();
}

void Dispatcher::hand_out_start_slots() {
    while (!waiting_for_slot_.empty() && starting_ < max_starting()) {
        auto run = waiting_for_slot_.front().lock();
        waiting_for_slot_.pop_front();
        if (!run) continue;
        ++starting_;
        run->got_start_slot();
    }
}

void Dispatcher::release_start_slot() {
    if (!mutated("leaks_slots")) --starting_;
    pump();
}

void Dispatcher::container_known(const std::string& container, JobId job) {
    containers_[container] = job;
}

void Dispatcher::run_is_over(JobId job, bool is_clean) {
    if (!is_clean) reconciler_.container_left(job);
    auto run = runs_.find(job);
    if (run == runs_.end()) return;
    if (run->second->job().container_id) containers_.erase(*run->second->job().container_id);
    // Its group may have room now.
    if (run->second->job().spec.group && !mutated("forgets_groups")) note_due(TimePoint{});
    // The run is in the middle of a call of its own: it goes when that returns.
    parts_.core.post([keep = std::move(run->second)] {});
    runs_.erase(run);
    if (auto next = waiting_for_run_.extract(job)) begin_waiting_run(std::move(next.mapped()));
    retention_.jobs_ended();
    pump();
}

}  // namespace scheduler
