/// The promises, each checked where it can be broken.

#include <algorithm>

#include <fmt/format.h>

#include "common/image_reference.hpp"
#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

/// A due job with a free slot and healthy parts is claimed within this.
constexpr Duration claimed_within = 2s;
/// Long enough for the longest program, a stop with its grace and a reconcile.
constexpr Duration settled_within = 5min;

/// Exit codes that an engine's restart or the host's end leaves, or a job by itself.
bool is_end_of_a_stop(const Container& container) {
    return container.exit_code == 137 || container.exit_code == 143 || container.exit_code == 255;
}

/// The last attempt, of a job that has ended with it.
Attempt end_of(const Job& row) {
    Attempt end;
    end.attempt = row.attempt.value_or(0);
    end.finish_status = row.finish_status.value_or(FinishStatus::did_not_run);
    end.exit_code = row.exit_code;
    end.error = row.error;
    return end;
}

}  // namespace

bool World::is_asked(Action action, JobId job) const {
    return std::any_of(asked_.begin(), asked_.end(), [&](const Asked& asked) {
        return asked.action == action && asked.job == job;
    });
}

Job World::row_of(JobId id) {
    auto row = process_->store->find(JobRef{id.to_string()}, "");
    if (!row) violate(fmt::format("job {} can't be read: {}", id.to_string(), row.error().message));
    return *row;
}

/// Which of the requests that are open made this row. Of those that are alike, the first that is
/// not known to have made another one: rows are made in their order.
std::optional<World::Origin> World::origin_of(const Job& row) {
    std::optional<Origin> known;
    for (Asked& asked : asked_) {
        if (asked.action != Action::add && asked.action != Action::add_again) continue;
        for (std::size_t i = 0; i < asked.added.size(); ++i) {
            const AddRequest& request = asked.added[i];
            bool is_it = row.spec && row.spec->command == request.spec.command &&
                         row.job_name == request.job_name &&
                         row.due_at.at - row.created_at.at == *parse_duration(*request.time);
            if (!is_it) continue;
            if (asked.learned.count(i) == 0) return Origin{&asked, i};
            if (!known) known = Origin{&asked, i};
        }
    }
    return known;
}

/// A row that nobody was told of yet: one of those that were asked for.
void World::learn_of(JobId id) {
    Job row = row_of(id);
    auto origin = origin_of(row);
    if (!origin)
        violate(fmt::format("job {} is in the store, and nobody asked for it", row.number));
    const AddRequest& request = origin->asked->added[origin->place];
    const ModelJob* earlier = model_.find_by_key(request.key);
    if (earlier != nullptr && process_->store->find(JobRef{earlier->id.to_string()}, ""))
        violate(
            fmt::format("key {} made jobs {} and {}", *request.key, earlier->number, row.number));
    origin->asked->learned.insert(origin->place);
    Job as_added = row;
    as_added.status = JobStatus::scheduled;
    (void)model_.add(as_added, request);
}

void World::on_commit(const std::vector<CommittedEvent>& events) {
    std::vector<JobId> claimed;
    auto check_claimed = [&] {
        if (!claimed.empty()) check_claim(claimed);
        for (JobId id : claimed)
            model_.move(*model_.find(id), JobStatus::running, Job(), time_.clock.steady());
        claimed.clear();
    };
    for (const CommittedEvent& event : events) {
        if (event.to == JobStatus::running) {
            claimed.push_back(event.job_id);
            model_.hear({event.seq, event.job_id, JobStatus::scheduled, event.to});
            continue;
        }
        check_claimed();
        ModelJob* job = model_.find(event.job_id);
        if (job == nullptr) {
            learn_of(event.job_id);
            model_.hear({event.seq, event.job_id, std::nullopt, event.to});
            continue;
        }
        model_.hear({event.seq, event.job_id, job->status, event.to});
        say(fmt::format("job {} is {}", job->number, to_string(event.to)));
        moved(*job, event.to, row_of(event.job_id));
        if (event.to == JobStatus::canceled) check_cancel(*job->ended);
    }
    check_claimed();
}

/// A commit that is known: an attempt may have ended with it, or the job.
void World::moved(ModelJob& job, JobStatus to, const Job& row) {
    bool was_running = job.status == JobStatus::running;
    model_.move(job, to, row, time_.clock.steady());
    if (!was_running) return;
    if (to == JobStatus::finished) return check_end(job, end_of(row));
    if (to == JobStatus::scheduled) {
        auto record = process_->store->record(job.id);
        if (!record || !*record || std::ssize((*record)->attempts) != job.attempt())
            violate(
                fmt::format("job {} is tried again, and its attempts are not kept", job.number));
        job.tries.push_back((*record)->attempts.back());
        check_retry(job, row);
        check_end(job, job.tries.back());
    }
}

void World::check_retry(const ModelJob& job, const Job& row) {
    const Attempt& end = job.tries.back();
    const auto& retries = job.request.spec.retries;
    auto wait = retries ? retries->wait_after(end.attempt, end.finish_status) : std::nullopt;
    if (!wait)
        violate(fmt::format("job {} is tried again after attempt {}, which is {}",
                            job.number,
                            end.attempt,
                            to_string(end.finish_status)));
    if (job.killed_at) violate(fmt::format("job {} was killed, and is tried again", job.number));
    TimePoint now = time_.clock.now();
    // When a commit that a crash cut off from its answer was made is not known.
    bool is_at_boot = time_.clock.steady() == booted_at_;
    bool has_just_jumped = time_.clock.steady() - jumped_at_ < 1s || is_at_boot;
    bool is_soon = row.due_at.at <= now + *wait + *wait / 10;
    bool is_late_enough = row.due_at.at > now + *wait - 2s;  // a commit may take a while
    if (!has_just_jumped && !(is_soon && is_late_enough))
        violate(fmt::format("job {} is tried again {}, and its delay is {} ms",
                            job.number,
                            to_rfc3339(row.due_at.at),
                            wait->count()));
}

/// It was removed, or has expired. The row says when that is: a change may not be known here yet.
void World::check_cancel(const Job& row) {
    bool is_expired = row.error && row.error->starts_with("it expired");
    if (!is_expired && !is_asked(Action::remove, row.id))
        violate(fmt::format("job {} was canceled, and nobody asked for it", row.number));
    if (!is_expired) return;
    if (row.attempt) violate(fmt::format("job {} was started, and expired", row.number));
    auto expires_at = expiry_of(row.due_at.at, row.created_at.at, *row.spec);
    if (!expires_at || row.finished_at->at < *expires_at)
        violate(fmt::format("job {} expired, and had time left", row.number));
}

void World::check_claimed_in_time(const Job& row) {
    if (row.attempt > 1) return;
    auto expires_at = expiry_of(row.due_at.at, row.created_at.at, *row.spec);
    if (expires_at && row.due_at.at + Duration(row.lateness_ms.value_or(0)) >= *expires_at)
        violate(fmt::format("job {} was claimed when it had expired", row.number));
}

void World::check_claim(const std::vector<JobId>& claimed) {
    if (is_paused_ && std::none_of(asked_.begin(), asked_.end(), [](const Asked& asked) {
            return asked.action == Action::resume;
        }))
        violate("jobs were claimed during a pause");
    bool is_any_unheard = false;
    for (const Asked& asked : asked_)
        is_any_unheard = is_any_unheard || is_unheard(asked.action);
    // A claim may be under way when the clock is set back.
    bool has_just_jumped = time_.clock.steady() - jumped_at_ < 1s;
    TimePoint latest = time_.clock.now();
    if (has_just_jumped) latest = std::max(latest, wall_before_jump_);
    for (JobId id : claimed) {
        const ModelJob& job = *model_.find(id);
        say(fmt::format("job {} is claimed", job.number));
        // One that is tried again may have to wait for its last attempt's removal.
        if (parse_image_reference(job.request.job_name) && job.attempt() == 0)
            to_create_.push_back(id);
        if (job.due_at > latest && !is_asked(Action::run, id) && !is_asked(Action::edit, id))
            violate(fmt::format("job {} was claimed before it was due", job.number));
        if (job.is_held && !is_asked(Action::release, id) && !is_asked(Action::run, id))
            violate(fmt::format("job {} was claimed while it was held", job.number));
        check_claimed_in_time(row_of(id));
    }
    check_groups(claimed, latest);
    // A claim may have taken its time a while before it was committed.
    TimePoint earliest = time_.clock.now() - 2s;
    if (has_just_jumped) earliest = std::min(earliest, wall_before_jump_);
    if (!is_any_unheard && !is_group_asked()) model_.check_order(claimed, earliest, latest);
    std::size_t running = model_.count(JobStatus::running) + claimed.size();
    if (running > static_cast<std::size_t>(max_running_))
        violate(fmt::format("{} jobs run, and {} may", running, max_running_));
}

/// A container's process begins: the moment that may come once in an attempt's life.
void World::on_start(const Container& container) {
    say(fmt::format("container {} of {} starts", container.id, container.name));
    auto label = container.labels.find("schedulerd.job");
    auto id = JobId::parse(label == container.labels.end() ? "" : label->second);
    ModelJob* job = id ? model_.find(*id) : nullptr;
    if (job == nullptr) violate("a container started whose job nobody knows, or is purged");
    int starts = 0;
    for (const auto& each : engine_.ever(container.name))
        starts += each->starts;
    if (starts > 1) violate(fmt::format("job {} was started {} times", job->number, starts));
    // A start that lay in the engine when the job was killed, or its engine lost it.
    auto may_start_late = [](FinishStatus end) {
        return end != FinishStatus::success && end != FinishStatus::failed;
    };
    for (const Attempt& ended : job->tries)
        if (container.name == container_name(job->id, static_cast<int>(ended.attempt))) {
            if (may_start_late(ended.finish_status)) return;
            violate(fmt::format(
                "attempt {} of job {} was started after its end", ended.attempt, job->number));
        }
    switch (job->status) {
        case JobStatus::scheduled:
            violate(fmt::format("job {} was started, and no claim was committed", job->number));
        case JobStatus::canceled:
            violate(fmt::format("job {} was started after its removal", job->number));
        case JobStatus::finished:
            if (!may_start_late(*job->ended->finish_status))
                violate(fmt::format("job {} was started after its end", job->number));
            break;
        case JobStatus::running:
            break;
    }
    if (process_ && !disk_.has_crashed) {
        Job row = row_of(job->id);
        if (job->status == JobStatus::running && row.container_id != container.id)
            violate(fmt::format("job {} was started, and its container's id is not stored",
                                job->number));
    }
}

/// An outcome was committed: it is what really happened.
void World::check_end(const ModelJob& job, const Attempt& row) {
    FinishStatus end = row.finish_status;
    say(fmt::format("job {} is {} ({})",
                    job.number,
                    to_string(end),
                    row.exit_code ? std::to_string(*row.exit_code) : row.error.value_or("")));
    std::shared_ptr<Container> ran = container_of(job);
    check_stop(job, row, ran);
    if (const auto& retries = job.request.spec.retries;
        job.ended && retries && retries->wait_after(row.attempt, end) && !job.kill_asked_at)
        violate(fmt::format(
            "job {} ended with attempt {}, and is not tried again", job.number, row.attempt));
    bool ended_itself =
        ran && !ran->was_ended_by_engine && ran->phase == ContainerState::Phase::ended;
    auto wrong = [&](std::string_view why) {
        violate(fmt::format("job {} is {} with exit code {} ({}), but {}",
                            job.number,
                            to_string(end),
                            row.exit_code ? std::to_string(*row.exit_code) : "none",
                            row.error.value_or("no error"),
                            why));
    };
    switch (end) {
        case FinishStatus::success:
            if (!ended_itself || ran->exit_code != 0 || row.exit_code != 0)
                wrong("it did not run to exit code 0");
            break;
        case FinishStatus::failed:
            if (!ran) {
                bool is_image = job.request.job_name == good_image;
                if (is_image && Program::parse(job.request.spec.command).can_start &&
                    row.error != refusal_words)
                    wrong("it can be created and started");
                if (!row.error) wrong("it does not say why");
                break;
            }
            if (!ended_itself) wrong("it did not end by itself");
            if (row.exit_code != ran->exit_code) wrong("its container ended otherwise");
            if (row.exit_code == 0) wrong("that is success");
            break;
        case FinishStatus::killed:
            if (!job.kill_asked_at) wrong("nobody asked for it");
            break;
        case FinishStatus::timed_out:
            if (!job.request.spec.timeout) wrong("it has no timeout");
            if (!ran) wrong("it never ran");
            break;
        case FinishStatus::lost:
            if (!may_be_lost(job, row, ran)) wrong("its end can be known");
            break;
        case FinishStatus::did_not_run:
            wrong("it was claimed");
    }
    if (ended_itself && process_ && (end == FinishStatus::success || end == FinishStatus::failed))
        check_output(job, static_cast<int>(row.attempt));
}

/// A stop decides the outcome, and a time that is over was over.
void World::check_stop(const ModelJob& job,
                       const Attempt& row,
                       const std::shared_ptr<Container>& ran) {
    if (!ran) return;
    FinishStatus end = row.finish_status;
    bool is_of_a_stop = end == FinishStatus::killed || end == FinishStatus::timed_out;
    if (ran->was_stopped && !is_of_a_stop)
        violate(fmt::format("job {} was stopped, and is {}", job.number, to_string(end)));
    if (end == FinishStatus::killed && !ran->was_stopped && ran->over && job.kill_asked_at &&
        !ran->was_ended_by_engine && !ran->was_touched_by_stranger &&
        *ran->over < *job.kill_asked_at)
        violate(fmt::format("job {} had ended by itself, and is killed", job.number));
    const auto& timeout = job.request.spec.timeout;
    if (end != FinishStatus::timed_out || !timeout || is_time_blurred(job, *ran)) return;
    Duration length = ran->over.value_or(time_.clock.steady()) - ran->began;
    if (length + 10ms < timeout->length)
        violate(fmt::format("job {} timed out after {} of {}",
                            job.number,
                            fmt::format("{} ms", length.count()),
                            timeout->to_string()));
}

/// How it ended, or whether it ran, can't be known.
bool World::may_be_lost(const ModelJob& job,
                        const Attempt& end,
                        const std::shared_ptr<Container>& ran) const {
    if (!ran)
        return end.error->starts_with("the engine restarted while it started it") &&
               engine_.did_restart_since(job.claimed_at);
    if (ran->was_ended_by_engine) return true;
    if (ran->was_touched_by_stranger && ran->is_removed) return true;
    // As an engine's restart would have ended it, and there was one before anybody knew of its end.
    return ran->over && is_end_of_a_stop(*ran) && engine_.did_restart_since(ran->began);
}

/// All that the container printed is kept when the outcome is committed, and until a limit says
/// otherwise.
void World::check_output(const ModelJob& job, int attempt) {
    if (row_of(job.id).output_removed_at) {
        if (!may_lose_history_)
            violate(fmt::format("the output of job {} was removed", job.number));
        return;
    }
    auto containers = engine_.ever(container_name(job.id, attempt));
    auto ran = std::find_if(
        containers.begin(), containers.end(), [](const auto& each) { return each->starts > 0; });
    // What a stranger removes before it is read is gone.
    if (ran == containers.end() || (*ran)->was_touched_by_stranger) return;
    std::string kept;
    auto reader = process_->spool->open_reader(job.id, attempt);
    for (auto record = reader->next(); record && *record; record = reader->next())
        kept += (*record)->bytes;
    if (kept != (*ran)->output())
        violate(fmt::format("job {} printed {} bytes, and {} are kept",
                            job.number,
                            (*ran)->output().size(),
                            kept.size()));
}

std::vector<Job> World::list_all(std::int64_t page, ListRequest request) {
    std::vector<Job> all;
    request.limit = page;
    for (bool is_last = false; !is_last;) {
        auto part = process_->service->handle(request, caller);
        if (!part) violate("jobs can't be listed: " + part.error().message);
        all.insert(all.end(), part->jobs.begin(), part->jobs.end());
        request.after = part->next;
        is_last = !part->next;
    }
    return all;
}

/// What was under way when the daemon went may have happened; nothing else may have changed.
void World::compare_after_restart() {
    std::map<JobId, Job> rows;
    for (Job& row : list_all(1000))
        rows.emplace(row.id, std::move(row));
    for (const auto& [id, row] : rows)
        if (model_.find(id) == nullptr) learn_of(id);
    learn_of_purges();
    for (auto& [id, job] : model_.jobs()) {
        auto found = rows.find(id);
        if (found == rows.end())
            violate(fmt::format("job {} was {}, and is gone", job.number, to_string(job.status)));
        const Job& row = found->second;
        // A removal, a claim or an outcome that was committed before its answer came.
        if (row.status == JobStatus::canceled && !job.ended) check_cancel(row_of(id));
        if (job.status != row.status) moved(job, row.status, row);
        // A commit that nobody heard of was under way when the daemon went.
        if (row.status == JobStatus::running) job.claimed_at = std::min(job.claimed_at, died_at_);
        if (row.status == JobStatus::finished && job.moves.size() < 3) violate("no claim was seen");
        if (job.ended && row.status == JobStatus::finished) check_end(job, end_of(row));
        // The same for what no event tells.
        bool is_edited = is_asked(Action::edit, id);
        if (row.due_at.at < job.due_at || is_edited) {
            job.has_changed_place = job.has_changed_place || row.due_at.at != job.due_at;
            job.due_at = row.due_at.at;
        }
        if (is_edited) {
            JobSpec spec = *row_of(id).spec;
            job.priority = spec.priority.value_or(0);
            if (job.attempt() == 0) job.expires = spec.expires;
            job.group = spec.group;
        }
        if (is_edited || is_asked(Action::run, id) || is_asked(Action::hold, id) ||
            is_asked(Action::release, id))
            job.is_held = row.held_by.has_value();
        model_.check_row(job, row);
    }
    hear_missed_events();
    bool is_pause_open = std::any_of(asked_.begin(), asked_.end(), [](const Asked& asked) {
        return asked.action == Action::pause || asked.action == Action::resume;
    });
    auto pause = process_->store->pause_state();
    if (!pause) violate("the pause can't be read");
    if (!is_pause_open && pause->paused != is_paused_) violate("a pause did not survive a restart");
    is_paused_ = pause->paused;
    compare_groups();
}

void World::check_events() {
    std::map<JobId, std::vector<JobStatus>> moves;
    std::int64_t seq = 0;
    while (true) {
        auto events = process_->store->events_after(seq, std::nullopt, 500);
        if (!events) violate("events can't be read: " + events.error().message);
        if (events->empty()) break;
        for (const JobEvent& event : *events) {
            if (event.seq <= seq) violate("events are out of order");
            seq = event.seq;
            if (event.to) moves[event.job_id].push_back(*event.to);
        }
    }
    for (const auto& [id, job] : model_.jobs())
        if (moves[id] != job.moves)
            violate(fmt::format("the events of job {} are not its transitions", job.number));
    if (moves.size() != model_.jobs().size()) violate("events of purged jobs are left");
}

void World::check_at_rest() {
    if (!process_) violate("the daemon did not come back");
    learn_of_purges();
    auto rows = list_all(1000);
    model_.check_list(rows);
    check_totals(rows);
    for (const auto& [id, job] : model_.jobs()) {
        int starts = 0;
        for (const auto& container : engine_.ever(container_name(job.id, job.attempt())))
            starts += container->starts;
        bool is_settled = time_.clock.steady() - job.moved_at > settled_within;
        if (job.status == JobStatus::running && is_settled)
            violate(
                fmt::format("job {} still runs, and its container has ended long ago", job.number));
        for (int attempt = 1; attempt <= job.attempt(); ++attempt)
            for (const auto& container : engine_.ever(container_name(job.id, attempt)))
                if (job.ended && is_settled && !container->is_removed)
                    violate(fmt::format(
                        "container {} of job {} is left over", container->id, job.number));
        if (job.status == JobStatus::scheduled && !job.is_held &&
            job.due_at + claimed_within < time_.clock.now())
            violate(fmt::format(
                "job {} is due since {}, and never ran", job.number, to_rfc3339(job.due_at)));
        if (job.ended && *job.ended->finish_status == FinishStatus::success && starts != 1)
            violate(fmt::format("job {} is success, and was started {} times", job.number, starts));
    }
    if (!asked_.empty())
        violate(fmt::format("{} was never answered", word_of(asked_.front().action)));
    check_events();
    check_readers();
}

}  // namespace scheduler::sim
