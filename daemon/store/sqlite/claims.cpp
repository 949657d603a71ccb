/// The claim: of what is due the best, as many as there are slots, in one transaction. And the end
/// of what was not claimed in its time.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/groups.hpp"
#include "daemon/store/sqlite/restored_database.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

/// Rows that are promoted to `ready` in one transaction at most: bounds how long a claim takes
/// after a long pause.
constexpr std::int64_t promote_max = 1000;

std::string no_room(const std::string& group, bool was_paused) {
    return fmt::format("its group {} {}", group, was_paused ? "was paused" : "had no room");
}

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

std::optional<TimePoint> first_due(Database& database, int ready) {
    Query query = database.query(
        "SELECT due_at FROM job WHERE status = 'scheduled' AND ready = ? ORDER BY due_at LIMIT 1");
    query.bind(ready);
    return query.step() ? std::optional(query.time(0)) : std::nullopt;
}

std::optional<TimePoint> first_in_line(Database& database, const std::string& group) {
    Query query = database.query(
        "SELECT due_at FROM job INDEXED BY job_group_due WHERE status = 'scheduled' AND group_name "
        "= ? AND ready = 3 ORDER BY due_at LIMIT 1");
    query.bind(group);
    return query.step() ? std::optional(query.time(0)) : std::nullopt;
}

/// Earliest moment at which something may be claimed: of rows that came due, of the waiting ones,
/// and of groups that have room, or get it by themselves. The end of a job tells when others do.
std::optional<TimePoint> next_due_row(Database& database, TimePoint now, GroupMemory& groups) {
    std::optional<TimePoint> earliest;
    auto note = [&](std::optional<TimePoint> at) {
        if (at && (!earliest || *at < *earliest)) earliest = at;
    };
    note(first_due(database, 1));
    note(first_due(database, 0));
    if (!groups.may_exist) return earliest;
    for (const GroupRoom& group : rooms_in_demand(database, now)) {
        note(group.room > 0 ? first_in_line(database, group.name) : group.paused_until);
        if (group.room <= 0) groups.full[group.name] = {now, group.is_paused};
    }
    return earliest;
}

/// Groups that had no room after the last claim had none until now. Those that are not asked for
/// any more are forgotten.
void note_full_until(GroupMemory& groups, TimePoint now) {
    if (std::ssize(groups.full) > GroupLimits::groups)
        std::erase_if(groups.full, [](const auto& seen) { return !seen.second.is_full; });
    for (auto& [name, seen] : groups.full)
        if (std::exchange(seen.is_full, false)) seen.until = std::max(seen.until, now);
}

/// Whether there may be more.
bool promote(Database& database, TimePoint now) {
    database
        .query(
            "UPDATE job SET ready = CASE WHEN group_name IS NOT NULL AND EXISTS (SELECT 1 FROM "
            "job_group WHERE name = group_name) THEN 3 ELSE 1 END WHERE number IN (SELECT number "
            "FROM job WHERE status = "
            "'scheduled' AND ready = 0 AND due_at <= ?1 AND (expires_at IS NULL OR expires_at > "
            "?1) ORDER BY due_at LIMIT ?2)")
        .bind(now)
        .bind(promote_max)
        .run();
    return database.changes() == promote_max;
}

struct Candidate {
    std::int64_t rank = 0;
    std::int64_t number = 0;
    auto operator<=>(const Candidate&) const = default;
};

void read_into(std::vector<Candidate>& candidates, Query query) {
    while (query.step())
        candidates.push_back({query.integer(0), query.integer(1)});
}

/// A clock that was set back can leave ready rows that are not due: never before due.
#define SCHEDULER_MAY_START "due_at <= ?1 AND (expires_at IS NULL OR expires_at > ?1) "

std::vector<Candidate> best_ready(Database& database,
                                  const ClaimLimits& limits,
                                  bool may_have_groups) {
    std::vector<Candidate> best;
    Query free = database.query(
        mutated("ignores_priority")
            ? "SELECT due_at, number FROM job WHERE status = 'scheduled' AND ready = 1 AND held = "
              "0 AND due_at <= ?1 ORDER BY due_at, number LIMIT ?2"
            : "SELECT rank, number FROM job INDEXED BY job_ready WHERE status = 'scheduled' AND "
              "ready = 1 AND held = 0 AND " SCHEDULER_MAY_START "ORDER BY rank, number LIMIT ?2");
    free.bind(limits.now).bind(limits.jobs_max);
    read_into(best, std::move(free));
    const auto rooms =
        may_have_groups ? rooms_in_demand(database, limits.now) : std::vector<GroupRoom>();
    for (const GroupRoom& group : rooms) {
        if (group.room <= 0) continue;
        Query line = database.query(
            "SELECT rank, number FROM job INDEXED BY job_in_line WHERE status = 'scheduled' AND "
            "ready = 3 AND group_name = ?3 AND " SCHEDULER_MAY_START
            "ORDER BY rank, number LIMIT ?2");
        line.bind(limits.now).bind(std::min<std::int64_t>(group.room, limits.jobs_max));
        line.bind(group.name);
        read_into(best, std::move(line));
    }
    std::sort(best.begin(), best.end());
    if (std::ssize(best) > limits.jobs_max) best.resize(static_cast<std::size_t>(limits.jobs_max));
    if (mutated("starts_out_of_order") && !best.empty()) best.erase(best.begin());
    return best;
}

/// Why it was claimed so late: the last thing that kept it waiting, where that is known.
std::optional<std::string> reason_for_lateness(const RunningJob& job,
                                               const ClaimLimits& limits,
                                               const FullGroups& full) {
    // Less than what `why` calls late: with a slow start on top it may become so.
    constexpr Duration late = std::chrono::milliseconds(100);
    const TimePoint due = due_from(job.due_at, job.created_at);
    if (limits.now - due < late) return std::nullopt;
    const Hindrance* last = nullptr;
    for (const Hindrance& hindrance : limits.hindrances)
        if (hindrance.until > due && (last == nullptr || hindrance.until > last->until))
            last = &hindrance;
    TimePoint until = last == nullptr ? due : last->until;
    std::optional<std::string> reason;
    if (last != nullptr) reason = last->reason;
    if (auto group = full.find(job.spec.group.value_or("")); group != full.end())
        if (group->second.until >= until) {
            until = group->second.until;
            reason = no_room(group->first, group->second.was_paused);
        }
    if (job.released_at > until) return "it was held";
    return reason;
}

struct Expired {
    JobId id;
    std::int64_t number = 0;
    TimePoint due_at{};
    TimePoint expires_at{};
    bool is_held = false;
    std::optional<std::string> group;  ///< where that was set
};

std::vector<Expired> expired(Database& database, const ExpiryLimits& limits) {
    std::vector<Expired> rows;
    Query query = database.query(
        "SELECT id, number, max(due_at, created_at), expires_at, held, CASE ready WHEN 3 THEN "
        "group_name END FROM job INDEXED BY job_expiry WHERE "
        "status = 'scheduled' AND expires_at <= ? ORDER BY expires_at LIMIT ?");
    query.bind(limits.now).bind(limits.jobs_max);
    while (query.step())
        rows.push_back({query.job_id(0),
                        query.integer(1),
                        query.time(2),
                        query.time(3),
                        query.integer(4) != 0,
                        query.optional_text(5)});
    return rows;
}

/// What was in the way when it expired is what ended first from then on.
std::string reason_for_expiry(Database& database,
                              const Expired& row,
                              const std::vector<Hindrance>& hindrances,
                              TimePoint now) {
    const Hindrance* first = nullptr;
    for (const Hindrance& hindrance : hindrances)
        if (hindrance.until >= row.expires_at &&
            (first == nullptr || hindrance.until < first->until))
            first = &hindrance;
    std::string why = first == nullptr ? "" : first->reason;
    if (why.empty() && row.group)
        if (auto group = room_of(database, *row.group, now); group.room <= 0)
            why = no_room(*row.group, group.is_paused);
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

Result<ClaimResult> claim(WriteContext& context, const ClaimLimits& limits, GroupMemory& groups) {
    ClaimResult result;
    result.is_paused = is_paused(context.database, limits.now);
    note_full_until(groups, limits.now);
    if (limits.jobs_max > 0 && !result.is_paused) {
        result.has_more = promote(context.database, limits.now);
        for (const Candidate& candidate : best_ready(context.database, limits, groups.may_exist)) {
            Query update = context.database.query(
                "UPDATE job SET status = 'running', ready = 0, attempt = attempt + 1, claimed_at = "
                "?, engine_id = ?, "
                "container_id = NULL, started_at = NULL, deadline_at = NULL WHERE number = ? AND "
                "status = "
                "'scheduled' RETURNING " SCHEDULER_RUNNING_COLUMNS);
            update.bind(limits.now).bind(limits.engine_id).bind(candidate.number);
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
                           reason_for_lateness(job, limits, groups.full));
    }
    result.next_due_at = next_due_row(context.database, limits.now, groups);
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
        result.jobs += cancel_row(
            context,
            row.id,
            limits.now,
            may_have_run ? fenced_reason
                         : reason_for_expiry(context.database, row, hindrances, limits.now));
    }
    result.next_expiry = next_expiry(context.database);
    return result;
}

void SqliteStore::claim_due(ClaimLimits limits, Reply<ClaimResult> reply) {
    writer_.submit<ClaimResult>(
        [this, limits = std::move(limits)](WriteContext& context) {
            return claim(context, limits, groups_);
        },
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
