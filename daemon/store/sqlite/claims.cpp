/// The claim: of what is due the best, as many as there are slots, in one transaction.

#include <algorithm>

#include "daemon/base/failpoint.hpp"
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
            "'scheduled' "
            "AND ready = 0 AND due_at <= ? ORDER BY due_at LIMIT ?)")
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
              "due_at <= ? ORDER BY due_at, number LIMIT ?"
            : "SELECT number FROM job INDEXED BY job_ready WHERE status = 'scheduled' AND ready = "
              "1 "
              "AND held = 0 AND due_at <= ? ORDER BY rank, number LIMIT ?");
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

Result<ClaimResult> claim(WriteContext& context, const ClaimLimits& limits) {
    ClaimResult result;
    if (limits.jobs_max > 0 && !is_paused(context.database, limits.now)) {
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

void SqliteStore::claim_due(ClaimLimits limits, Reply<ClaimResult> reply) {
    writer_.submit<ClaimResult>(
        [limits = std::move(limits)](WriteContext& context) { return claim(context, limits); },
        std::move(reply));
}

}  // namespace scheduler
