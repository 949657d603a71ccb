/// How soon things happen: what is due is claimed, what was claimed starts, what ended is settled,
/// what was killed or is over its time is stopped, and whoever asked is answered.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

/// A due job with a free slot and healthy parts is claimed within this.
constexpr Duration claimed_within = 2s;
/// What is over its time to be started ends within this, while the daemon can write.
constexpr Duration expired_within = 3s;

/// Fewer than these are never too many to start another one: twice the engine's two cores.
constexpr std::size_t surely_free = 4;

/// A run goes on within this when nothing is in its way any more.
constexpr Duration goes_on_within = 5s;
/// The same after a start of the daemon: starts that are repeated wait for a slot and a second.
constexpr Duration adopted_within = 10s;
/// A call that an engine in trouble took, or lost the answer of, may hang for the 120 s of a start,
/// a lost event waits for the slow timer; then a backoff of 30 s.
constexpr Duration longest_hang = 200s;
/// A link that broke is tried again after 5 s at most, and a call of it may hang for 10 s, twice.
constexpr Duration linked_within = 40s;
constexpr Duration stop_grace = 10s;
/// A change is answered after its commit, an add after the engine's word on its image.
constexpr Duration answered_within = 2s;

}  // namespace

/// Called at each moment of simulated time, when all that was to do at it is done.
void World::check_bounds() {
    SteadyPoint now = time_.clock.steady();
    if (!engine_.is_well()) engine_troubled_at_ = now;
    if (!process_ || disk_.is_full || !process_->store->write_trouble().empty())
        disk_troubled_at_ = now;
    if (!process_ || !process_->dispatcher->engine_status().is_up) unlinked_at_ = now;
    if (process_) check_answers();
    if (now < next_look_) return;
    next_look_ = now + 200ms;
    check_promptness();
    // A purge tells nobody.
    if (is_any_container_left()) learn_of_purges();
    if (process_ && !is_stopping_) check_runs();
}

void World::check_promptness() {
    SteadyPoint now = time_.clock.steady();
    bool is_well = process_ && !is_stopping_ && !is_paused_ && !disk_.is_full &&
                   process_->dispatcher->engine_status().is_up && engine_.is_well() &&
                   model_.count(JobStatus::running) < surely_free;
    bool is_any_unheard = std::any_of(
        asked_.begin(), asked_.end(), [](const Asked& asked) { return is_unheard(asked.action); });
    if (is_any_unheard || is_stopping_) unheard_at_ = now;
    check_expiries();
    look_at_groups();
    if (!is_well || is_any_unheard) troubled_at_ = now;
    if (now - troubled_at_ < claimed_within) return;
    for (const auto& [id, job] : model_.jobs())
        if (job.status == JobStatus::scheduled && !job.is_held &&
            job.due_at + claimed_within < time_.clock.now() && has_had_room(job))
            violate(fmt::format("job {} is due since {}, nothing is in its way, and it waits",
                                job.number,
                                to_rfc3339(job.due_at)));
}

/// In its group. One that ends is cleaned up first, which an engine in trouble makes long.
bool World::has_had_room(const ModelJob& job) const {
    if (!job.group) return true;
    auto full = group_troubled_at_.find(*job.group);
    SteadyPoint since = full == group_troubled_at_.end() ? SteadyPoint() : full->second;
    since = std::max(since + goes_on_within, engine_troubled_at_ + longest_hang);
    return since + claimed_within < time_.clock.steady();
}

/// Whatever keeps a job waiting, it waits no longer than it was to.
void World::check_expiries() {
    SteadyPoint now = time_.clock.steady();
    if (now - std::max({booted_at_, disk_troubled_at_, unheard_at_, jumped_at_}) < expired_within)
        return;
    for (const auto& [id, job] : model_.jobs())
        if (job.status == JobStatus::scheduled && job.expires_at() &&
            *job.expires_at() + expired_within < time_.clock.now())
            violate(fmt::format(
                "job {} expired {}, and it waits", job.number, to_rfc3339(*job.expires_at())));
}

/// Nothing that was asked for stays open; prunes take as long as the engine does.
void World::check_answers() {
    SteadyPoint now = time_.clock.steady();
    for (const Asked& asked : asked_)
        if (asked.action != Action::prune && asked.since + answered_within < now)
            violate(fmt::format("{} was not answered", word_of(asked.action)));
    for (const auto& waiter : waiters_) {
        const ModelJob* job = model_.find_ever(waiter->job);
        if (waiter->is_answered || job == nullptr) continue;
        if (job->ended) violate(fmt::format("job {} has ended, and a wait goes on", job->number));
        if (waiter->until < now)
            violate(fmt::format("a wait for job {} is not answered in its time", job->number));
    }
    std::erase_if(waiters_, [](const auto& waiter) { return waiter->is_answered; });
}

/// Since when nothing is in the way of a run that is under way.
SteadyPoint World::free_since(const ModelJob& job) const {
    SteadyPoint since = std::max({booted_at_ + adopted_within, unlinked_at_, disk_troubled_at_});
    // Calls go with the process that made them.
    bool may_hang = std::max(job.claimed_at, booted_at_) <= engine_troubled_at_;
    return may_hang ? std::max(since, engine_troubled_at_ + longest_hang) : since;
}

/// Each running row is brought to its end, as soon as its container, a wish or its time says so.
void World::check_runs() {
    SteadyPoint now = time_.clock.steady();
    bool is_linked = unlinked_at_ != now;
    if (!is_linked && now - std::max(engine_troubled_at_, booted_at_) > linked_within)
        violate("the engine is well, and the daemon does not notice");
    if (!is_linked) return;
    for (const auto& [id, job] : model_.jobs()) {
        if (job.status != JobStatus::running) continue;
        if (std::max(job.claimed_at, free_since(job)) + goes_on_within >= now) continue;
        check_run(job);
    }
}

void World::check_run(const ModelJob& job) {
    SteadyPoint free = free_since(job);
    auto require = [&](SteadyPoint from, Duration within, const char* what) {
        if (std::max(from, free) + within + goes_on_within < time_.clock.steady())
            violate(fmt::format("job {} {}, and still runs", job.number, what));
    };
    auto ran = container_of(job);
    if (!ran) return require(job.claimed_at, 0s, "was claimed, and neither started nor ended");
    if (ran->over) return require(*ran->over, 0s, "has ended");
    if (job.killed_at) require(*job.killed_at, stop_grace, "was killed");
    if (job.killed_now_at) require(*job.killed_now_at, 0s, "was killed without grace");
    if (job.request.spec.timeout && !is_time_blurred(job, *ran))
        require(ran->began + job.request.spec.timeout->length, stop_grace, "is over its time");
}

/// The container that ran as its last attempt, if one did.
std::shared_ptr<Container> World::container_of(const ModelJob& job) const {
    std::shared_ptr<Container> ran;
    for (const auto& container : engine_.ever(container_name(job.id, job.attempt())))
        if (container->starts > 0) ran = container;
    return ran;
}

/// How long it ran can't be told: the clock was set meanwhile, and a daemon that learned of its
/// start later has only a moment of the wall clock to go by.
bool World::is_time_blurred(const ModelJob& job, const Container& ran) const {
    return job.was_clock_set_unseen || (jumped_at_ >= ran.began && booted_at_ >= ran.began);
}

/// One that ended a while ago: its job must not be purged.
bool World::is_any_container_left() const {
    return std::any_of(
        engine_.containers().begin(), engine_.containers().end(), [&](const auto& entry) {
            return entry.second->over && *entry.second->over + 1s < time_.clock.steady();
        });
}

}  // namespace scheduler::sim
