/// status, why, readiness, metrics: what the daemon is doing, in data and in sentences.

#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/base/failpoint.hpp"
#include "daemon/service/audit.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

/// Overdue jobs are counted up to here; more is more than enough to worry.
constexpr std::int64_t overdue_max = 10'000;
/// Jobs before a waiting one are counted up to here.
constexpr std::int64_t before_max = 1000;

std::string engine_words(const EngineStatus& engine) {
    return engine.down_since ? fmt::format("the engine is unreachable since {}: {}",
                                           to_local_date(*engine.down_since),
                                           engine.reason)
                             : engine.reason;
}

std::string pause_words(const PauseState& pause) {
    if (pause.is_restored)
        return "paused since it was restored from a backup; `resume` goes on, and says if "
               "something of "
               "it does not run";
    return pause.until ? fmt::format("paused until {}", to_local_date(*pause.until))
                       : "paused; `resume` goes on";
}

bool is_paused(const PauseState& pause, TimePoint now) {
    return pause.paused && (!pause.until || now < *pause.until);
}

std::string outcome_words(const Job& job) {
    FinishStatus end = job.finish_status.value_or(FinishStatus::failed);
    bool ran_to_an_end = end != FinishStatus::lost && end != FinishStatus::did_not_run;
    bool has_code = ran_to_an_end && job.exit_code;
    return fmt::format("it {}{}",
                       sentence_word(end),
                       has_code ? fmt::format(" with exit code {}", *job.exit_code) : "");
}

std::string expiry_words(const Job& job) {
    auto at = expiry_of(job);
    if (!at) return "";
    return fmt::format(
        "; it expires {} {}, if it is not started before", to_local_date(*at), zone_name(*at));
}

/// What became of the attempt before, of a job that waits for the next one.
std::string retry_words(Store& store, const Job& job) {
    if (!job.attempt) return "";
    auto record = store.record(job.id);
    if (!record || !*record || (*record)->transitions.empty()) return "";
    const auto& reason = (*record)->transitions.back().reason;
    return reason ? "; " + *reason : "";
}

/// How late it started, and why: what the claim waited for, and the start itself where that was
/// slow. Empty when it was on time.
std::string lateness_words(Store& store, const Job& job) {
    constexpr Duration late = std::chrono::seconds(1);
    constexpr Duration slow_start = std::chrono::milliseconds(100);
    const TimePoint due = due_from(job);
    if (!job.started_at || job.started_at->at - due < late) return "";
    std::string words = fmt::format("; it started {} after it was {}",
                                    in_words(job.started_at->at - due),
                                    due == job.due_at.at ? "due" : "submitted");
    auto record = store.record(job.id);
    if (!record || !*record) return words;
    const Transition* claim = last_claim(**record);
    if (claim == nullptr) return words;
    std::vector<std::string> reasons;
    if (claim->reason) reasons.push_back(*claim->reason);
    Duration start = job.started_at->at - claim->at;
    if (start >= slow_start)
        reasons.push_back(fmt::format("starting the container took {} ms", start.count()));
    return reasons.empty() ? words : fmt::format("{}: {}", words, fmt::join(reasons, "; "));
}

/// `39 jobs are before it`; empty when there is none.
std::string turn_words(std::int64_t before) {
    if (before == 0) return "";
    if (before == 1) return "1 job is before it";
    return fmt::format("{}{} jobs are before it", before == before_max ? "at least " : "", before);
}

std::string overdue_words(const Overdue& overdue, const std::string& hindrance) {
    std::string why = hindrance;
    if (why.empty() && overdue.in_groups > 0)
        why = fmt::format("{} for their groups (schedctl group ls)",
                          overdue.in_groups == overdue.jobs
                              ? "they wait"
                              : fmt::format("{} of them wait", overdue.in_groups));
    if (why.empty()) why = "they are next when containers can be started";
    return fmt::format("{}{} overdue, the first since {}: {}",
                       overdue.jobs == overdue_max ? "at least " : "",
                       overdue.jobs == 1 ? "1 job is" : fmt::format("{} jobs are", overdue.jobs),
                       to_local_date(*overdue.since),
                       why);
}

}  // namespace

Readiness Service::readiness() {
    if (std::string trouble = parts_->store.write_trouble(); !trouble.empty())
        return {false, trouble};
    if (std::string trouble = parts_->spool.trouble(); !trouble.empty()) return {false, trouble};
    auto pause = parts_->store.pause_state();
    if (!pause) return {false, pause.error().message};
    EngineStatus engine = parts_->dispatcher.engine_status();
    if (!engine.is_up) return {false, engine_words(engine)};
    parts_->dispatcher.look_after_engine();
    if (is_paused(*pause, parts_->clock.now())) return {true, pause_words(*pause)};
    return {true, ""};
}

std::string Service::metrics_text() {
    if (auto counts = parts_->store.counts()) {
        // Ended jobs are counted by how they ended.
        std::map<JobStatus, std::int64_t> jobs;
        for (JobStatus status : {JobStatus::scheduled, JobStatus::running})
            jobs[status] = (*counts)[std::string(to_string(status))];
        for (FinishStatus finish : finish_statuses)
            jobs[status_of(finish)] += (*counts)[std::string(to_string(finish))];
        for (auto [status, count] : jobs)
            parts_->metrics.set_jobs(status, count);
    }
    TimePoint now = parts_->clock.now();
    if (auto overdue = parts_->store.overdue(now, overdue_max))
        parts_->metrics.set_overdue(
            overdue->jobs,
            std::max(now - overdue->since.value_or(now), TimePoint::duration::zero()));
    if (auto totals = parts_->store.history_totals())
        parts_->metrics.set_output_bytes(totals->output_bytes);
    parts_->metrics.set_engine_up(parts_->dispatcher.engine_status().is_up);
    return parts_->metrics.text();
}

Result<StatusResponse> Service::handle(const StatusRequest&, const Caller&) {
    auto counts = parts_->store.counts();
    if (!counts) return fail(counts.error());
    auto pause = parts_->store.pause_state();
    if (!pause) return fail(pause.error());
    auto next_due = parts_->store.next_due();
    if (!next_due) return fail(next_due.error());
    TimePoint now = parts_->clock.now();
    auto overdue = parts_->store.overdue(now, overdue_max);
    if (!overdue) return fail(overdue.error());

    auto last_event = parts_->store.last_event();
    if (!last_event) return fail(last_event.error());

    ServiceOptions options = parts_->options.get();
    Readiness ready = readiness();
    EngineStatus engine = parts_->dispatcher.engine_status();
    StatusResponse status;
    status.version = SCHEDULER_VERSION;
    status.ready = ready.ready;
    if (!ready.ready) status.reason = ready.reason;
    status.paused = is_paused(*pause, now);
    if (status.paused && pause->until) status.paused_until = Instant{*pause->until};
    if (engine.identity)
        status.engine = fmt::format("{} (API {}) at {}",
                                    engine.identity->name,
                                    engine.identity->api_version,
                                    engine.identity->address);
    status.jobs = std::move(*counts);
    if (*next_due) status.next_due_at = Instant{**next_due};
    status.overdue = overdue->jobs;
    status.max_running = options.max_running;
    status.now.at = now;
    status.zone = zone_name(now);
    status.pid = ::getpid();
    status.started_at.at = parts_->started_at;
    status.state_dir = options.state_dir;
    status.listen = options.listen;
    status.socket = options.socket;
    status.warnings = options.warnings;
    auto totals = parts_->store.history_totals();
    if (!totals) return fail(totals.error());
    status.purged = totals->purged;
    status.output_bytes = totals->output_bytes;
    status.log_total = options.log_total;
    if (overdue->since && now - *overdue->since >= Metrics::late)
        status.warnings.push_back(overdue_words(*overdue, hindrance(now)));
    status.last_event = *last_event;
    return status;
}

Result<WhyResponse> Service::handle(const WhyRequest& request, const Caller& caller) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return fail(job.error());
    WhyResponse response;
    response.job = shown(*job, parts_->clock.now());
    std::string who = fmt::format("job {} ({})", job->number, job->job_name);
    TimePoint now = parts_->clock.now();
    if (job->status == JobStatus::scheduled) {
        response.message = fmt::format("{} {}{}{}",
                                       who,
                                       why_scheduled(*job, now),
                                       retry_words(parts_->store, *job),
                                       expiry_words(*job));
    } else if (job->status == JobStatus::running) {
        response.message = job->started_at ? fmt::format("{} is running since {}{}",
                                                         who,
                                                         to_local_date(job->started_at->at),
                                                         lateness_words(parts_->store, *job))
                                           : fmt::format("{} is being started", who);
        EngineStatus engine = parts_->dispatcher.engine_status();
        if (!engine.is_up)
            response.message += "; how it goes on is not known: " + engine_words(engine);
    } else {
        response.message = fmt::format("{} is in history: {}{}{}",
                                       who,
                                       outcome_words(*job),
                                       job->error ? ": " + *job->error : "",
                                       lateness_words(parts_->store, *job));
    }
    return response;
}

std::string Service::why_scheduled(const Job& job, TimePoint now) {
    if (job.held_by)
        return fmt::format("is held by {}: `release` lets it go; it is due {} {}",
                           *job.held_by,
                           job.scheduled_to,
                           zone_name(job.due_at.at));
    if (now < job.due_at.at)
        return fmt::format("is not due: it waits for {} {} (in {})",
                           job.scheduled_to,
                           zone_name(job.due_at.at),
                           in_words(job.due_at.at - now));
    std::string why = hindrance(now);
    if (why.empty()) why = group_hindrance(job);
    auto before = parts_->store.count_before(job, before_max);
    std::string turn = before ? turn_words(*before) : "";
    if (why.empty() && turn.empty()) why = "it is next when a container can be started";
    return fmt::format("is due since {}, and waits: {}{}{}",
                       job.scheduled_to,
                       why,
                       why.empty() || turn.empty() ? "" : "; ",
                       turn);
}

std::string Service::group_hindrance(const Job& job) {
    if (!job.spec || !job.spec->group) return "";
    auto group = parts_->store.group(*job.spec->group);
    if (!group || !*group) return "";
    const Group& its = **group;
    if (its.paused_until)
        return fmt::format(
            "its group {} is paused until {}", its.name, to_local_date(its.paused_until->at));
    if (its.paused)
        return fmt::format("its group {} is paused; `group resume {}` goes on", its.name, its.name);
    if (!its.max_running || its.running < *its.max_running) return "";
    return fmt::format("its group {} runs {} at once, and {} (group set {} --max)",
                       its.name,
                       *its.max_running,
                       its.running == 1 ? "one runs" : fmt::format("{} run", its.running),
                       its.name);
}

std::string Service::hindrance(TimePoint now) {
    auto pause = parts_->store.pause_state();
    if (pause && is_paused(*pause, now) && !mutated("hides_pause")) return pause_words(*pause);
    if (std::string trouble = parts_->store.write_trouble(); !trouble.empty()) return trouble;
    EngineStatus engine = parts_->dispatcher.engine_status();
    if (!engine.is_up) return engine_words(engine);
    auto counts = parts_->store.counts();
    int max_running = parts_->options.get().max_running;
    if (counts && (*counts)["running"] >= max_running)
        return (max_running == 1 ? "the only slot is taken"
                                 : fmt::format("all {} slots are taken", max_running)) +
               std::string(" (--max-running)");
    if (int starting = parts_->dispatcher.starts_taken(); starting > 0)
        return fmt::format(
            "as many containers as may be started at once ({}) are being started "
            "(--max-starting)",
            starting);
    return "";
}

}  // namespace scheduler
