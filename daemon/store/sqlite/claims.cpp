/// The claim: of what is due the best, as many as there are slots, in one transaction. And the end
/// of what was not claimed in its time.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/restored_database.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

/// Rows that are promoted to `ready` in one transaction at most: bounds how long a claim takes
/// after a long pause.
constexpr std::int64_t promote_max = 1000;

bool is_paused(Database& database, TimePoint now) {
    if (mutated("ignores_pause")) return false;
    Query query = database.query("SELECT value FROM meta WHERE key = 'paused_until'");
    if (!query.step()) return false;
    std::string until = query.text(0);
    if (until.empty()) return false;
    if (until == "resume") return true;
    auto at = parse_rfc3339(until);
    return at && now < *at;
}

/// Earliest due time of what is scheduled: rows that came due first, then the waiting ones.
std::optional<TimePoint> next_due_row(Database& database) {
    std::optional<TimePoint> earliest;
    for (int ready : {1, 0}) {
        Query query = database.query(
            "SELECT due_at FROM job WHERE status = 'scheduled' AND ready = ? ORDER BY due_at LIMIT "
            "1");
        query.bind(ready);
        if (query.step() && (!earliest || query.time(0) < *earliest)) earliest = query.time(0);
    }
    return earliest;
}

void promote(Database& database, TimePoint now) {
    database
        .query(
            "UPDATE job SET ready = 1 WHERE number IN (SELECT number FROM job WHERE status = "
            "'scheduled' AND ready = 0 AND due_at <= ?1 AND (expires_at IS NULL OR expires_at > "
            "?1) ORDER BY due_at LIMIT ?2)")
        .bind(now)
        .bind(promote_max)
        .run();
}

std::vector<std::int64_t> best_ready(Database& database, const ClaimLimits& limits) {
    std::vector<std::int64_t> numbers;
    // A clock that was set back can leave ready rows that are not due: never before due.
    Query query = database.query(
        mutated("ignores_priority")
            ? "SELECT number FROM job WHERE status = 'scheduled' AND ready = 1 AND held = 0 AND "
              "due_at <= ?1 ORDER BY due_at, number LIMIT ?2"
            : "SELECT number FROM job INDEXED BY job_ready WHERE status = 'scheduled' AND ready = "
              "1 AND held = 0 AND due_at <= ?1 AND (expires_at IS NULL OR expires_at > ?1) ORDER "
              "BY rank, number LIMIT ?2");
    query.bind(limits.now).bind(limits.jobs_max);
    while (query.step())
        numbers.push_back(query.integer(0));
    if (mutated("starts_out_of_order") && !numbers.empty()) numbers.erase(numbers.begin());
    return numbers;
}

/// Why it was claimed so late: the last thing that kept it waiting, where that is known.
std::optional<std::string> reason_for_lateness(const RunningJob& job, const ClaimLimits& limits) {
    // Less than what `why` calls late: with a slow start on top it may become so.
    constexpr Duration late = std::chrono::milliseconds(100);
    const TimePoint due = due_from(job.due_at, job.created_at);
    if (limits.now - due < late) return std::nullopt;
    const Hindrance* last = nullptr;
    for (const Hindrance& hindrance : limits.hindrances)
        if (hindrance.until > due && (last == nullptr || hindrance.until > last->until))
            last = &hindrance;
    if (job.released_at > due && (last == nullptr || *job.released_at > last->until))
        return "it was held";
    return last == nullptr ? std::nullopt : std::optional(last->reason);
}

struct Expired {
    JobId id;
    std::int64_t number = 0;
    TimePoint due_at{};
    TimePoint expires_at{};
    bool is_held = false;
};

std::vector<Expired> expired(Database& database, const ExpiryLimits& limits) {
    std::vector<Expired> rows;
    Query query = database.query(
        "SELECT id, number, max(due_at, created_at), expires_at, held FROM job INDEXED BY "
        "job_expiry WHERE "
        "status = 'scheduled' AND expires_at <= ? ORDER BY expires_at LIMIT ?");
    query.bind(limits.now).bind(limits.jobs_max);
    while (query.step())
        rows.push_back({query.job_id(0),
                        query.integer(1),
                        query.time(2),
                        query.time(3),
                        query.integer(4) != 0});
    return rows;
}

/// What was in the way when it expired is what ended first from then on.
std::string reason_for_expiry(const Expired& row, const std::vector<Hindrance>& hindrances) {
    const Hindrance* first = nullptr;
    for (const Hindrance& hindrance : hindrances)
        if (hindrance.until >= row.expires_at &&
            (first == nullptr || hindrance.until < first->until))
            first = &hindrance;
    std::string why = first == nullptr ? "" : first->reason;
    if (row.is_held) why = "it was held";
    return fmt::format("it expired: it was not started within {} after it was due{}",
                       to_string(row.expires_at - row.due_at),
                       why.empty() ? "" : fmt::format(" ({})", why));
}

std::optional<TimePoint> next_expiry(Database& database) {
    Query query = database.query(
        "SELECT expires_at FROM job INDEXED BY job_expiry WHERE status = 'scheduled' AND "
        "expires_at IS NOT NULL ORDER BY expires_at LIMIT 1");
    return query.step() ? query.optional_time(0) : std::nullopt;
}

Result<ClaimResult> claim(WriteContext& context, const ClaimLimits& limits) {
    ClaimResult result;
    result.is_paused = is_paused(context.database, limits.now);
    if (limits.jobs_max > 0 && !result.is_paused) {
        promote(context.database, limits.now);
        for (std::int64_t number : best_ready(context.database, limits)) {
            Query update = context.database.query(
                "UPDATE job SET status = 'running', ready = 0, attempt = attempt + 1, claimed_at = "
                "?, engine_id = ?, "
                "container_id = NULL, started_at = NULL, deadline_at = NULL WHERE number = ? AND "
                "status = "
                "'scheduled' RETURNING " SCHEDULER_RUNNING_COLUMNS);
            update.bind(limits.now).bind(limits.engine_id).bind(number);
            if (!update.step()) continue;
            result.jobs.push_back(running_from(update));
            update.run();
        }
        for (const RunningJob& job : result.jobs)
            context.record(job.id,
                           job.number,
                           limits.now,
                           JobStatus::scheduled,
                           JobStatus::running,
                           std::nullopt,
                           reason_for_lateness(job, limits));
    }
    result.next_due_at = next_due_row(context.database);
    return result;
}

}  // namespace

Result<ExpiryResult> SqliteStore::expire_rows(WriteContext& context, const ExpiryLimits& limits) {
    ExpiryResult result;
    if (mutated("forgets_expiry")) return result;
    std::vector<Hindrance> hindrances = limits.hindrances;
    if (is_paused(context.database, limits.now))
        hindrances.insert(hindrances.begin(), {"paused", limits.now});
    auto fence = fence_of(context.database);
    for (const Expired& row : expired(context.database, limits)) {
        bool may_have_run = fence && row.number <= *fence && !is_exempt(context.database, row.id);
        result.jobs +=
            cancel_row(context,
                       row.id,
                       limits.now,
                       may_have_run ? fenced_reason : reason_for_expiry(row, hindrances));
    }
    result.next_expiry = next_expiry(context.database);
    return result;
}

void SqliteStore::claim_due(ClaimLimits limits, Reply<ClaimResult> reply) {
    writer_.submit<ClaimResult>(
        [limits = std::move(limits)](WriteContext& context) { return claim(context, limits); },
        std::move(reply));
}

void SqliteStore::expire(ExpiryLimits limits, Reply<ExpiryResult> reply) {
    writer_.submit<ExpiryResult>(
        [limits = std::move(limits)](WriteContext& context) {
            return expire_rows(context, limits);
        },
        std::move(reply));
}

}  // namespace scheduler
