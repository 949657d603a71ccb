/// The verbs that change rows; for the claim see claims.cpp. Each state change is one conditional
/// update: the row decides races.

#include <algorithm>

#include <fmt/format.h>

#include "common/json.hpp"
#include "common/local_time.hpp"
#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/counters.hpp"
#include "daemon/store/sqlite/restored_database.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

Failure<Error> not_found(JobId id) {
    return fail(ErrorCode::job_not_found, fmt::format("job with id {} not found", id.to_string()));
}

/// Why a conditional update on a scheduled job met no row.
Failure<Error> why_not_scheduled(WriteContext& context, JobId id) {
    Query query = context.database.query("SELECT status, finish_status FROM job WHERE id = ?");
    query.bind(id);
    if (!query.step()) return not_found(id);
    if (query.text(0) == "running")
        return fail(ErrorCode::job_running,
                    fmt::format("job {} is running already; kill it to stop it", id.to_string()));
    return fail(ErrorCode::job_in_history,
                fmt::format("job {} is in history already: it is {} ({})",
                            id.to_string(),
                            query.text(0),
                            query.text(1)));
}

void set_meta_row(Database& database, std::string_view key, std::string_view value) {
    database
        .query(
            "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2")
        .bind(key)
        .bind(value)
        .run();
}

/// The attempt that ends, of a row that is still running.
void keep_attempt(Database& database, JobId id, int attempt, const Outcome& outcome) {
    Query insert = database.query(
        "INSERT INTO attempt(job, attempt, engine_id, container_id, claimed_at, started_at, "
        "finished_at, finish_status, exit_code, error, output_bytes) SELECT number, attempt, "
        "engine_id, container_id, claimed_at, coalesce(?, started_at), ?, ?, ?, ?, ? FROM job "
        "WHERE id = ? AND status = 'running' AND attempt = ?");
    insert.bind(outcome.started_at).bind(outcome.finished_at).bind(to_string(outcome.finish));
    insert.bind(outcome.exit_code).bind(outcome.error).bind(outcome.output_bytes);
    insert.bind(id).bind(attempt).run();
}

/// The job has ended, after so many attempts: what they printed counts from here on.
void count_output(WriteContext& context,
                  std::int64_t number,
                  TimePoint ended_at,
                  std::int64_t last_bytes,
                  std::int64_t attempts_before) {
    std::int64_t bytes = last_bytes;
    if (attempts_before > 0) {
        Query sum = context.database.query(
            "SELECT coalesce(sum(output_bytes), 0) FROM attempt WHERE job = ? AND attempt <= ?");
        sum.bind(number).bind(attempts_before);
        if (sum.step()) bytes += sum.integer(0);
    }
    if (bytes == 0) return;
    context.database.query("INSERT INTO output(ended_at, job, bytes) VALUES(?, ?, ?)")
        .bind(ended_at)
        .bind(number)
        .bind(bytes)
        .run();
    context.counter_changes[std::string(output_bytes_counter)] += bytes;
}

Result<bool> finish_row(WriteContext& context, JobId id, int attempt, const Outcome& outcome) {
    keep_attempt(context.database, id, attempt, outcome);
    if (context.database.changes() == 0) return false;
    Query update = context.database.query(
        "UPDATE job SET status = 'finished', finish_status = ?, exit_code = ?, error = ?, "
        "finished_at = ?, started_at = coalesce(?, started_at), deadline_at = NULL WHERE id = ? "
        "RETURNING number");
    update.bind(to_string(outcome.finish))
        .bind(outcome.exit_code)
        .bind(outcome.error)
        .bind(outcome.finished_at);
    update.bind(outcome.started_at).bind(id);
    if (!update.step()) return false;
    std::int64_t number = update.integer(0);
    update.run();
    count_output(context, number, outcome.finished_at, outcome.output_bytes, attempt - 1);
    context.record(id,
                   number,
                   outcome.finished_at,
                   JobStatus::running,
                   JobStatus::finished,
                   outcome.finish,
                   outcome.error);
    return true;
}

/// A kill decides that the job ends. The row then is as one that was never claimed, but for the
/// number of its attempts: it does not expire, as it was started in time.
Result<bool> retry_row(
    WriteContext& context, JobId id, int attempt, const Outcome& outcome, const Retry& next) {
    Query may = context.database.query(
        "SELECT 1 FROM job WHERE id = ? AND status = 'running' AND attempt = ? AND "
        "kill_requested_at IS NULL");
    may.bind(id).bind(attempt);
    if (!may.step()) return false;
    may.run();
    keep_attempt(context.database, id, attempt, outcome);
    Query update = context.database.query(
        "UPDATE job SET status = 'scheduled', ready = 0, rank = rank + ?1 - due_at, due_at = ?1, "
        "expires_at = NULL, released_at = NULL, claimed_at = NULL, engine_id = NULL, container_id "
        "= NULL, started_at = NULL, deadline_at = NULL, stop_reason = NULL WHERE id = ?2 RETURNING "
        "number");
    update.bind(next.due_at).bind(id);
    if (!update.step()) return false;
    std::int64_t number = update.integer(0);
    update.run();
    context.record(id,
                   number,
                   outcome.finished_at,
                   JobStatus::running,
                   JobStatus::scheduled,
                   std::nullopt,
                   next.reason);
    return true;
}

void exempt_from_fence(Database& database, JobId id) {
    if (fence_of(database)) set_meta_row(database, exempt_prefix + id.to_string(), "1");
}

/// Until a restored copy is resumed the original may run what comes due: those jobs.
std::vector<JobId> missed_by_fence(Database& database, std::int64_t fence, TimePoint now) {
    std::vector<JobId> missed;
    Query query = database.query(
        "SELECT id FROM job WHERE status = 'scheduled' AND ready IN (0, 1, 2, 3) AND due_at <= ? "
        "AND "
        "number <= ?");
    query.bind(now).bind(fence);
    while (query.step())
        missed.push_back(query.job_id(0));
    std::erase_if(missed, [&](const JobId& id) { return is_exempt(database, id); });
    return missed;
}

Result<Done> request_kill_row(
    WriteContext& context, JobId id, TimePoint at, const std::string& by, bool now) {
    // The first wish stands; a later one may only make it more urgent.
    context.database
        .query(
            "UPDATE job SET kill_requested_at = coalesce(kill_requested_at, ?), kill_requested_by "
            "= "
            "coalesce(kill_requested_by, ?), kill_now = max(kill_now, ?) WHERE id = ? AND status = "
            "'running'")
        .bind(at)
        .bind(by)
        .bind(now ? 1 : 0)
        .bind(id)
        .run();
    if (context.database.changes() > 0) return Done{};
    Query query =
        context.database.query("SELECT status, finish_status, attempt FROM job WHERE id = ?");
    query.bind(id);
    if (!query.step()) return not_found(id);
    if (query.text(0) == "scheduled")
        return fail(ErrorCode::job_not_running,
                    fmt::format("job {} {}; remove it to take it back",
                                id.to_string(),
                                query.integer(2) > 0 ? "waits for its next attempt"
                                                     : "is not running yet"));
    return fail(ErrorCode::job_in_history,
                fmt::format("job {} is in history already: it is {} ({})",
                            id.to_string(),
                            query.text(0),
                            query.text(1)));
}

std::optional<Job> read_job(Database& database, JobId id) {
    Query query = database.query("SELECT " SCHEDULER_JOB_COLUMNS ", spec FROM job WHERE id = ?");
    query.bind(id);
    return query.step() ? std::optional(whole_job_from(query)) : std::nullopt;
}

Result<Job> edit_row(WriteContext& context, JobId id, const JobEdit& edit) {
    auto before = read_job(context.database, id);
    if (!before || before->status != JobStatus::scheduled) return why_not_scheduled(context, id);
    if (mutated("forgets_edit")) return *before;
    auto spec = edit.change_spec ? edit.change_spec(*before) : Result<JobSpec>(*before->spec);
    if (!spec) return fail(spec.error());
    TimePoint due_at = edit.due_at.value_or(before->due_at.at);
    context.database
        .query(
            "UPDATE job SET spec = ?, due_at = ?, rank = ?, expires_at = ?, group_name = ?, ready "
            "= CASE held WHEN 1 THEN 2 ELSE 0 END WHERE id = ? AND status = 'scheduled'")
        .bind(encode(*spec))
        .bind(due_at)
        .bind(rank_of(due_at, *spec))
        .bind(before->attempt ? std::nullopt : expiry_of(due_at, before->created_at.at, *spec))
        .bind(spec->group)
        .bind(id)
        .run();
    if (edit.due_at) exempt_from_fence(context.database, id);
    return *read_job(context.database, id);
}

/// The job that was added under this key before, if any.
Result<std::optional<Job>> find_by_key(Database& database, const NewJob& job) {
    if (!job.key || mutated("forgets_keys")) return std::optional<Job>();
    Query query = database.query("SELECT " SCHEDULER_JOB_COLUMNS
                                 ", spec, request_hash FROM job WHERE key = ?");
    query.bind(*job.key);
    if (!query.step()) return std::optional<Job>();
    if (query.text(job_columns + 1) != job.request_hash)
        return fail(
            ErrorCode::key_reused,
            fmt::format(
                "the idempotency key \"{}\" was used by another request (job {}); use a new key",
                *job.key,
                query.job_id(0).to_string()));
    Job found = whole_job_from(query);
    found.spec = hide_values(*std::move(found.spec));
    return std::optional(std::move(found));
}

}  // namespace

bool SqliteStore::cancel_row(WriteContext& context,
                             JobId id,
                             TimePoint at,
                             const std::string& reason) {
    Query update = context.database.query(
        "UPDATE job SET status = 'canceled', ready = 0, held = 0, held_by = NULL, finish_status = "
        "'did_not_run', finished_at "
        "= ?, error = ? "
        "WHERE id = ? AND status = 'scheduled' RETURNING number, attempt");
    update.bind(at).bind(reason).bind(id);
    if (!update.step()) return false;
    std::int64_t number = update.integer(0);
    std::int64_t attempts = update.integer(1);
    update.run();
    if (attempts > 0) count_output(context, number, at, 0, attempts);
    context.record(id,
                   number,
                   at,
                   JobStatus::scheduled,
                   JobStatus::canceled,
                   FinishStatus::did_not_run,
                   reason);
    return true;
}

Result<AddedJob> SqliteStore::insert_one(WriteContext& context, const NewJob& job) {
    auto earlier = find_by_key(context.database, job);
    if (!earlier) return fail(earlier.error());
    if (*earlier) return AddedJob{std::move(**earlier), true};
    if (job.refusal) return fail(*job.refusal);
    JobId id = ids_.next();
    context.database
        .query(
            "INSERT INTO job(id, name, spec, status, created_at, due_at, rank, submitted_by, key, "
            "request_hash, definition_revision, expires_at, group_name) "
            "VALUES(?, ?, ?, 'scheduled', ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(id)
        .bind(job.name)
        .bind(encode(job.spec))
        .bind(job.created_at)
        .bind(job.due_at)
        .bind(rank_of(job.due_at, job.spec))
        .bind(job.submitted_by)
        .bind(job.key)
        .bind(job.key ? std::optional(job.request_hash) : std::nullopt)
        .bind(job.definition_revision)
        .bind(expiry_of(job.due_at, job.created_at, job.spec))
        .bind(job.spec.group)
        .run();
    Job added;
    added.id = id;
    added.job_name = job.name;
    added.number = context.database.last_insert_rowid();
    added.created_at.at = job.created_at;
    added.due_at.at = job.due_at;
    added.scheduled_in = to_local_date(job.created_at);
    added.scheduled_to = to_local_date(job.due_at);
    added.spec = hide_values(job.spec);
    added.submitted_by = job.submitted_by;
    added.definition_revision = job.definition_revision;
    context.record(id,
                   added.number,
                   job.created_at,
                   std::nullopt,
                   JobStatus::scheduled,
                   std::nullopt,
                   std::nullopt);
    return AddedJob{std::move(added), false};
}

void SqliteStore::insert(std::vector<NewJob> jobs, Reply<std::vector<AddedJob>> reply) {
    writer_.submit<std::vector<AddedJob>>(
        [this, jobs = std::move(jobs)](WriteContext& context) -> Result<std::vector<AddedJob>> {
            std::vector<AddedJob> added;
            for (const NewJob& job : jobs) {
                auto one = insert_one(context, job);
                if (!one) return fail(one.error());
                added.push_back(std::move(*one));
            }
            return added;
        },
        std::move(reply));
}

void SqliteStore::set_container(JobId id,
                                int attempt,
                                std::string container_id,
                                Reply<bool> reply) {
    writer_.submit<bool>(
        [=, container_id = std::move(container_id)](WriteContext& context) -> Result<bool> {
            context.database
                .query(
                    "UPDATE job SET container_id = ?1 WHERE id = ?2 AND attempt = ?3 AND status = "
                    "'running' AND "
                    "kill_requested_at IS NULL AND (container_id IS NULL OR container_id = ?1)")
                .bind(container_id)
                .bind(id)
                .bind(attempt)
                .run();
            return context.database.changes() > 0;
        },
        std::move(reply));
}

void SqliteStore::set_started(JobId id,
                              int attempt,
                              TimePoint started_at,
                              std::optional<TimePoint> deadline_at,
                              Reply<Done> reply) {
    writer_.submit<Done>(
        [=](WriteContext& context) -> Result<Done> {
            context.database
                .query(
                    "UPDATE job SET started_at = coalesce(started_at, ?), deadline_at = "
                    "coalesce(deadline_at, ?) "
                    "WHERE id = ? AND attempt = ? AND status = 'running'")
                .bind(started_at)
                .bind(deadline_at)
                .bind(id)
                .bind(attempt)
                .run();
            return Done{};
        },
        std::move(reply));
}

void SqliteStore::set_stop_reason(JobId id,
                                  int attempt,
                                  FinishStatus reason,
                                  Reply<FinishStatus> reply) {
    writer_.submit<FinishStatus>(
        [=](WriteContext& context) -> Result<FinishStatus> {
            Query update = context.database.query(
                "UPDATE job SET stop_reason = coalesce(stop_reason, ?) WHERE id = ? AND attempt = "
                "? AND status = "
                "'running' RETURNING stop_reason");
            update.bind(to_string(reason)).bind(id).bind(attempt);
            if (!update.step())
                return fail(ErrorCode::job_in_history, "the job has ended meanwhile");
            auto stands = parse_finish_status(update.text(0));
            update.run();
            return stands;
        },
        std::move(reply));
}

void SqliteStore::finish(JobId id, int attempt, Outcome outcome, Reply<bool> reply) {
    writer_.submit<bool>(
        [=, outcome = std::move(outcome)](WriteContext& context) {
            return finish_row(context, id, attempt, outcome);
        },
        std::move(reply));
}

void SqliteStore::retry(JobId id, int attempt, Outcome outcome, Retry next, Reply<bool> reply) {
    writer_.submit<bool>(
        [=, outcome = std::move(outcome), next = std::move(next)](WriteContext& context) {
            return retry_row(context, id, attempt, outcome, next);
        },
        std::move(reply));
}

void SqliteStore::cancel(JobId id, TimePoint at, std::string reason, Reply<Done> reply) {
    writer_.submit<Done>(
        [=, reason = std::move(reason)](WriteContext& context) -> Result<Done> {
            if (cancel_row(context, id, at, reason) || mutated("removes_running")) return Done{};
            return why_not_scheduled(context, id);
        },
        std::move(reply));
}

void SqliteStore::make_due(JobId id, TimePoint now, Reply<std::optional<TimePoint>> reply) {
    writer_.submit<std::optional<TimePoint>>(
        [=](WriteContext& context) -> Result<std::optional<TimePoint>> {
            // A job that is due already keeps its place in the order, and its end.
            Query update = context.database.query(
                "UPDATE job SET due_at = min(due_at, ?1), rank = rank - max(due_at - ?1, 0), "
                "expires_at = expires_at - max(due_at, created_at) + max(min(due_at, ?1), "
                "created_at), ready = CASE held WHEN 1 THEN 0 ELSE ready END, released_at = CASE "
                "held WHEN 1 THEN ?1 ELSE released_at END, held = 0, held_by = NULL WHERE id = ?2 "
                "AND status = 'scheduled' RETURNING expires_at");
            update.bind(now).bind(id);
            if (!update.step()) return why_not_scheduled(context, id);
            std::optional<TimePoint> expires_at = update.optional_time(0);
            update.run();
            exempt_from_fence(context.database, id);
            return expires_at;
        },
        std::move(reply));
}

void SqliteStore::hold(JobId id, std::string by, Reply<Done> reply) {
    writer_.submit<Done>(
        [=, by = std::move(by)](WriteContext& context) -> Result<Done> {
            if (mutated("forgets_hold")) return Done{};
            context.database
                .query(
                    "UPDATE job SET held = 1, ready = 2, held_by = coalesce(held_by, ?) WHERE id = "
                    "? AND status = 'scheduled'")
                .bind(by)
                .bind(id)
                .run();
            if (context.database.changes() == 0) return why_not_scheduled(context, id);
            return Done{};
        },
        std::move(reply));
}

void SqliteStore::release(JobId id, TimePoint at, Reply<std::optional<TimePoint>> reply) {
    writer_.submit<std::optional<TimePoint>>(
        [=](WriteContext& context) -> Result<std::optional<TimePoint>> {
            Query update = context.database.query(
                "UPDATE job SET held = 0, ready = 0, held_by = NULL, released_at = ? WHERE id = ? "
                "AND status = 'scheduled' AND held = 1 RETURNING due_at");
            update.bind(at).bind(id);
            if (update.step()) {
                std::optional<TimePoint> due_at = update.time(0);
                update.run();
                exempt_from_fence(context.database, id);
                return due_at;
            }
            Query query = context.database.query("SELECT status FROM job WHERE id = ?");
            query.bind(id);
            if (query.step() && query.text(0) == "scheduled") return std::optional<TimePoint>();
            return why_not_scheduled(context, id);
        },
        std::move(reply));
}

void SqliteStore::edit(JobId id, JobEdit edit, Reply<Job> reply) {
    writer_.submit<Job>(
        [=, edit = std::move(edit)](WriteContext& context) { return edit_row(context, id, edit); },
        std::move(reply));
}

void SqliteStore::request_kill(
    JobId id, TimePoint at, std::string by, bool now, Reply<Done> reply) {
    writer_.submit<Done>(
        [=, by = std::move(by)](WriteContext& context) {
            return request_kill_row(context, id, at, by, now);
        },
        std::move(reply));
}

void SqliteStore::set_pause(PauseState pause, Reply<PauseChange> reply) {
    writer_.submit<PauseChange>(
        [=, now = clock_.now()](WriteContext& context) -> Result<PauseChange> {
            PauseChange change{pause};
            auto fence = fence_of(context.database);
            if (!pause.paused && fence) {
                for (const JobId& id : missed_by_fence(context.database, *fence, now))
                    change.missed += cancel_row(context, id, now, fenced_reason);
                forget_fence(context.database);
            }
            change.stands.is_restored = fence_of(context.database).has_value();
            if (change.stands.is_restored) change.stands.until.reset();
            std::string until = !change.stands.paused ? ""
                                : change.stands.until ? to_rfc3339(*change.stands.until)
                                                      : "resume";
            set_meta_row(context.database, "paused_until", until);
            return change;
        },
        std::move(reply));
}

void SqliteStore::set_meta(std::string key, std::string value, Reply<Done> reply) {
    writer_.submit<Done>(
        [=](WriteContext& context) -> Result<Done> {
            set_meta_row(context.database, key, value);
            return Done{};
        },
        std::move(reply));
}

}  // namespace scheduler
