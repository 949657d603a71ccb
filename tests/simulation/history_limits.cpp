/// Retention: what may go from history, and what must be gone then.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

/// What the last prune of a run leaves.
constexpr std::int64_t kept_at_rest = 3;
/// From an outcome to the removal of its container, when nothing is in the way.
constexpr Duration end_is_over = 5s;

bool is_permitted(const RetentionLimits& limits,
                  const ModelJob& job,
                  TimePoint latest,
                  std::int64_t later_ends) {
    bool by_age = limits.history_age && job.ended->finished_at->at + *limits.history_age <= latest;
    bool by_count = limits.history_count && later_ends >= *limits.history_count;
    return by_age || by_count;
}

}  // namespace

void World::ask_to_prune() {
    if (!process_) return;
    PruneRequest request;
    std::uint64_t kind = random_.below(4);
    if (kind == 0) request.older_than = Span{random_.between(1s, 10min)};
    if (kind == 1) request.keep = static_cast<std::int64_t>(random_.below(20));
    if (kind == 2) request.log_total = std::to_string(random_.below(2000)) + "B";
    request.dry_run = random_.chance(30);
    Asked asked;
    asked.action = Action::prune;
    asked.at = time_.clock.now();
    if (!request.dry_run) {
        if (request.older_than) asked.limits.history_age = request.older_than->length;
        asked.limits.history_count = request.keep;
        may_lose_history_ = true;
    }
    auto asking = ask(std::move(asked));
    time_.front.post([this, request, asking] {
        process_->service->handle(
            request, caller, answered<PruneResponse>(asking, [this](Result<PruneResponse>) {
                learn_of_purges();  // while it is known what was asked for
            }));
    });
}

/// What a reload of the options does.
void World::change_limits() {
    learn_of_purges();
    if (process_) limits_before_.clear();
    limits_before_.push_back(limits_);
    limits_ = {};
    if (random_.chance(50)) limits_.history_age = random_.between(1min, 2h);
    if (random_.chance(50)) limits_.history_count = static_cast<std::int64_t>(random_.below(20));
    if (random_.chance(30)) limits_.log_total = static_cast<std::int64_t>(random_.below(2000));
    may_lose_history_ = true;
    if (!process_) return;
    time_.core.post([this] {
        process_->dispatcher->set_options(DispatchOptions{max_running_, 0, limits_});
    });
}

void World::learn_of_purges() {
    if (!may_lose_history_ || !process_) return;
    // A look at each job is slow, and the count is compared with the jobs elsewhere.
    auto totals = process_->store->history_totals();
    if (totals && totals->purged == std::ssize(model_.purged())) {
        latest_wall_ = time_.clock.now();
        return;
    }
    std::vector<JobId> gone;
    for (const auto& [id, job] : model_.jobs()) {
        if (!job.ended || process_->store->find(JobRef{id.to_string()}, "")) continue;
        check_purge(job);
        gone.push_back(id);
    }
    for (JobId id : gone)
        model_.purge(id);
    latest_wall_ = time_.clock.now();
}

void World::check_purge(const ModelJob& job) {
    say(fmt::format("job {} is purged", job.number));
    TimePoint latest = std::max(time_.clock.now(), latest_wall_);
    std::int64_t later_ends = model_.count_later_ends(job);
    bool may_go = is_permitted(limits_, job, latest, later_ends);
    for (const RetentionLimits& limits : limits_before_)
        may_go = may_go || is_permitted(limits, job, latest, later_ends);
    for (const Asked& asked : asked_)
        // The age is counted from the order, whatever the clock was set to since.
        may_go = may_go || is_permitted(asked.limits, job, std::max(latest, asked.at), later_ends);
    if (!may_go) violate(fmt::format("job {} was purged, and no limit says so", job.number));
    for (int attempt = 1; attempt <= job.attempt(); ++attempt)
        for (const auto& container : engine_.ever(container_name(job.id, attempt)))
            // One that never ran may be made late, by a create whose sender is gone.
            if (!container->is_removed && container->starts > 0)
                violate(fmt::format("job {} was purged, and its container is left", job.number));
}

/// `rows`: all of them, at this moment.
void World::check_totals(const std::vector<Job>& rows) {
    auto status = process_->service->handle(StatusRequest{}, caller);
    if (!status) violate("status fails: " + status.error().message);
    model_.check_counts(status->jobs);
    std::int64_t purged = std::ssize(model_.purged());
    if (status->purged != purged)
        violate(fmt::format("{} jobs are counted as purged, not {}", status->purged, purged));
    std::int64_t bytes = 0;
    for (const Job& row : rows) {
        if (!has_ended(row.status) || row.output_removed_at) continue;
        // Without an exit code there was no container left to read it from.
        auto record = process_->store->record(row.id);
        for (const Attempt& attempt : (*record)->attempts)
            if (attempt.exit_code)
                bytes += static_cast<std::int64_t>(
                    process_->spool->bytes_stored(row.id, static_cast<int>(attempt.attempt)));
    }
    if (status->output_bytes != bytes)
        violate(fmt::format(
            "{} bytes of output are counted, and {} are kept", status->output_bytes, bytes));
}

/// A last prune leaves what it shall, and nothing of what it took.
void World::check_history_at_rest() {
    for (const auto& [id, job] : model_.jobs()) {
        if (job.ended && *job.ended->finish_status == FinishStatus::success)
            check_output(job, job.attempt());
    }
    PruneRequest request;
    request.keep = kept_at_rest;
    Asked asked;
    asked.action = Action::prune;
    asked.at = time_.clock.now();
    asked.limits.history_count = request.keep;
    auto asking = ask(std::move(asked));
    may_lose_history_ = true;
    SteadyPoint ordered_at = time_.clock.steady();
    bool is_done = false;
    time_.front.post([this, request, asking, &is_done] {
        process_->service->handle(
            request,
            caller,
            answered<PruneResponse>(asking, [this, &is_done](Result<PruneResponse> pruned) {
                if (!pruned) violate("a prune fails: " + pruned.error().message);
                if (pruned->warning) violate("a prune is not complete: " + *pruned->warning);
                learn_of_purges();
                is_done = true;
            }));
    });
    pass(1min);
    if (!is_done) violate("a prune is not answered");
    learn_of_purges();
    // Jobs go on ending meanwhile.
    auto ended = std::count_if(model_.jobs().begin(), model_.jobs().end(), [&](const auto& job) {
        return job.second.ended && job.second.moved_at + end_is_over < ordered_at;
    });
    if (ended > kept_at_rest) violate(fmt::format("{} ended jobs are left by a prune", ended));
    auto rows = list_all(1000);
    model_.check_list(rows);
    check_totals(rows);
    check_events();
    std::error_code ignored;  // no output, no directory
    for (const auto& entry : std::filesystem::recursive_directory_iterator(logs_, ignored)) {
        std::string name = entry.path().filename().string();
        auto id = JobId::parse(name.substr(0, name.find('.')));
        if (entry.is_regular_file() && id && model_.find(*id) == nullptr)
            violate(fmt::format("{} is left of a job that was purged", name));
    }
}

}  // namespace scheduler::sim
