/// History gets shorter: ended jobs go in small writes, the oldest first, and space is given back.
/// What is to be removed from the disk is committed together with the rows (table `removal`), so
/// that a crash in between leaves nothing behind: the removal is repeated at the next start.

#include <algorithm>
#include <tuple>

#include "daemon/store/sqlite/counters.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

struct Victim {
    JobId id;
    std::int64_t number = 0;
    TimePoint ended_at{};
    std::string finish_status;
    int attempts = 0;
    std::int64_t output_bytes = 0;
};

std::int64_t ended_jobs(Database& database) {
    Query query = database.query(
        "SELECT coalesce(sum(n), 0) FROM counter WHERE state IN ('success', 'failed', "
        "'did_not_run', 'killed', 'timed_out', 'lost')");
    return query.step() ? query.integer(0) : 0;
}

std::int64_t counter(Database& database, std::string_view name) {
    Query query = database.query("SELECT n FROM counter WHERE state = ?");
    query.bind(name);
    return query.step() ? query.integer(0) : 0;
}

/// ?1, ?2: the place to begin after; ?3: how many.
Query oldest_jobs(Database& database, const PruneBatch& batch) {
    const char* all =
        "SELECT id, number, finished_at, finish_status, attempt, (SELECT bytes FROM "
        "output WHERE ended_at = finished_at AND job = number) FROM job INDEXED BY job_history "
        "WHERE finished_at IS NOT NULL AND (finished_at, number) > (?1, ?2) ORDER BY finished_at, "
        "number LIMIT ?3";
    const char* never_started =
        "SELECT id, number, finished_at, finish_status, attempt, (SELECT bytes FROM "
        "output WHERE ended_at = finished_at AND job = number) FROM job INDEXED BY "
        "job_history_finish WHERE finished_at IS NOT NULL AND finish_status = 'did_not_run' AND "
        "(finished_at, number) > (?1, ?2) ORDER BY finished_at, number LIMIT ?3";
    Query query = database.query(batch.only_never_started ? never_started : all);
    query.bind(batch.after.ended_at).bind(batch.after.number).bind(batch.jobs_max + 1);
    return query;
}

Victim victim_from(const Query& row) {
    Victim victim;
    victim.id = row.job_id(0);
    victim.number = row.integer(1);
    victim.ended_at = row.time(2);
    victim.finish_status = row.text(3);
    victim.attempts = static_cast<int>(row.integer(4));
    victim.output_bytes = row.optional_integer(5).value_or(0);
    return victim;
}

/// How many more than are kept; 0 where the count does not matter.
std::int64_t excess_jobs(Database& database, const PruneBatch& batch) {
    if (!batch.jobs_kept || batch.only_never_started) return 0;
    return ended_jobs(database) - *batch.jobs_kept - batch.jobs_before;
}

/// The batch's jobs; `result` gets their sums and the place to go on from.
std::vector<Victim> select_victims(Database& database,
                                   const PruneBatch& batch,
                                   PruneResult& result) {
    std::vector<Victim> victims;
    const std::int64_t excess = excess_jobs(database, batch);
    std::int64_t passed = 0;
    Query query = oldest_jobs(database, batch);
    while (query.step()) {
        Victim victim = victim_from(query);
        bool is_old = batch.ended_before && victim.ended_at < *batch.ended_before;
        if (!is_old && passed >= excess) return victims;
        if (passed == batch.jobs_max) {
            result.has_more = true;
            return victims;
        }
        ++passed;
        result.last = {victim.ended_at, victim.number};
        bool is_spared =
            (batch.only_never_started && victim.attempts > 0) ||
            std::find(batch.spared.begin(), batch.spared.end(), victim.id) != batch.spared.end();
        if (is_spared) continue;
        ++result.jobs;
        result.output_bytes += victim.output_bytes;
        victims.push_back(std::move(victim));
    }
    return victims;
}

void remember_removal(Database& database, JobId id, int attempts) {
    database
        .query(
            "INSERT INTO removal(id, attempts) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET "
            "attempts = max(attempts, ?2)")
        .bind(id)
        .bind(attempts)
        .run();
}

/// Readers of events must learn that something is missing before this one.
void raise_events_pruned(Database& database, std::int64_t seq) {
    database
        .query(
            "INSERT INTO meta(key, value) VALUES('events_pruned', CAST(?1 AS TEXT)) ON "
            "CONFLICT(key) DO UPDATE SET value = CAST(max(CAST(value AS INTEGER), ?1) AS TEXT)")
        .bind(seq)
        .run();
}

std::int64_t last_event_of(Database& database, std::int64_t number) {
    Query query = database.query("SELECT seq FROM event WHERE job = ? ORDER BY seq DESC LIMIT 1");
    query.bind(number);
    return query.step() ? query.integer(0) : 0;
}

void remove_victim(WriteContext& context, const Victim& victim) {
    Database& database = context.database;
    // The row decides here too: what is not ended is never touched.
    database.query("DELETE FROM job WHERE number = ? AND finished_at IS NOT NULL")
        .bind(victim.number)
        .run();
    if (database.changes() == 0) return;
    database.query("DELETE FROM event WHERE job = ?").bind(victim.number).run();
    database.query("DELETE FROM attempt WHERE job = ?").bind(victim.number).run();
    database.query("DELETE FROM output WHERE ended_at = ? AND job = ?")
        .bind(victim.ended_at)
        .bind(victim.number)
        .run();
    --context.counter_changes[victim.finish_status];
    ++context.counter_changes[std::string(purged_counter)];
    context.counter_changes[std::string(output_bytes_counter)] -= victim.output_bytes;
}

Result<PruneResult> prune_rows(WriteContext& context, const PruneBatch& batch) {
    PruneResult result;
    std::int64_t events_pruned = 0;
    for (const Victim& victim : select_victims(context.database, batch, result)) {
        events_pruned = std::max(events_pruned, last_event_of(context.database, victim.number));
        remove_victim(context, victim);
        if (victim.attempts == 0) continue;  // never claimed: nothing was printed
        remember_removal(context.database, victim.id, victim.attempts);
        result.removals.push_back({victim.id, victim.attempts});
    }
    if (events_pruned > 0) raise_events_pruned(context.database, events_pruned);
    return result;
}

struct StoredOutput {
    HistoryPlace place;
    std::int64_t bytes = 0;
};

/// The oldest outputs after `after` that must go so that `total` comes down to `bytes_kept`.
std::vector<StoredOutput> select_outputs(Database& database,
                                         std::int64_t total,
                                         std::int64_t bytes_kept,
                                         std::int64_t jobs_max,
                                         HistoryPlace after,
                                         PruneResult& result) {
    std::vector<StoredOutput> outputs;
    Query query = database.query(
        "SELECT ended_at, job, bytes FROM output WHERE (ended_at, job) > (?, ?) ORDER BY ended_at, "
        "job LIMIT ?");
    query.bind(after.ended_at).bind(after.number).bind(jobs_max + 1);
    while (total > bytes_kept && query.step()) {
        if (result.jobs == jobs_max) {
            result.has_more = true;
            return outputs;
        }
        StoredOutput output{{query.time(0), query.integer(1)}, query.integer(2)};
        total -= output.bytes;
        ++result.jobs;
        result.output_bytes += output.bytes;
        result.last = output.place;
        outputs.push_back(output);
    }
    return outputs;
}

/// Those of `but_these` that ended by `after` and have output, the oldest first.
std::vector<StoredOutput> outputs_of_these(Database& database, const OutputPreview& preview) {
    std::vector<StoredOutput> outputs;
    for (JobId id : preview.but_these) {
        Query query = database.query(
            "SELECT ended_at, number, bytes FROM job JOIN output ON ended_at = finished_at AND "
            "output.job = number WHERE id = ? AND (ended_at, number) <= (?, ?)");
        query.bind(id).bind(preview.after.ended_at).bind(preview.after.number);
        if (query.step()) outputs.push_back({{query.time(0), query.integer(1)}, query.integer(2)});
    }
    std::sort(outputs.begin(), outputs.end(), [](const StoredOutput& a, const StoredOutput& b) {
        return std::tie(a.place.ended_at, a.place.number) <
               std::tie(b.place.ended_at, b.place.number);
    });
    return outputs;
}

void remove_output(WriteContext& context,
                   const StoredOutput& output,
                   TimePoint at,
                   PruneResult& result) {
    Database& database = context.database;
    Query update = database.query(
        "UPDATE job SET output_removed_at = ? WHERE number = ? AND finished_at IS NOT NULL "
        "RETURNING id, attempt");
    update.bind(at).bind(output.place.number);
    if (update.step()) {
        Removal removal{update.job_id(0), static_cast<int>(update.integer(1))};
        update.run();
        remember_removal(database, removal.id, removal.attempts);
        result.removals.push_back(removal);
    }
    database.query("DELETE FROM output WHERE ended_at = ? AND job = ?")
        .bind(output.place.ended_at)
        .bind(output.place.number)
        .run();
    context.counter_changes[std::string(output_bytes_counter)] -= output.bytes;
}

std::int64_t pragma(Database& database, const char* sql) {
    Query query = database.query(sql);
    return query.step() ? query.integer(0) : 0;
}

}  // namespace

void SqliteStore::prune(PruneBatch batch, Reply<PruneResult> reply) {
    writer_.submit<PruneResult>(
        [batch = std::move(batch)](WriteContext& context) { return prune_rows(context, batch); },
        std::move(reply));
}

void SqliteStore::prune_output(std::int64_t bytes_kept,
                               std::int64_t jobs_max,
                               TimePoint at,
                               Reply<PruneResult> reply) {
    writer_.submit<PruneResult>(
        [=](WriteContext& context) -> Result<PruneResult> {
            PruneResult result;
            std::int64_t total = counter(context.database, output_bytes_counter);
            for (const StoredOutput& output :
                 select_outputs(context.database, total, bytes_kept, jobs_max, {}, result))
                remove_output(context, output, at, result);
            return result;
        },
        std::move(reply));
}

void SqliteStore::forget_removals(std::vector<JobId> ids, Reply<Done> reply) {
    writer_.submit<Done>(
        [ids = std::move(ids)](WriteContext& context) -> Result<Done> {
            for (JobId id : ids)
                context.database.query("DELETE FROM removal WHERE id = ?").bind(id).run();
            return Done{};
        },
        std::move(reply));
}

/// Each step of `incremental_vacuum` frees one page.
void SqliteStore::give_back_space(std::int64_t pages_max,
                                  std::int64_t pages_kept,
                                  Reply<bool> reply) {
    writer_.submit<bool>(
        [=](WriteContext& context) -> Result<bool> {
            std::int64_t excess = pragma(context.database, "PRAGMA freelist_count") - pages_kept;
            Query vacuum = context.database.query("PRAGMA incremental_vacuum");
            for (std::int64_t freed = 0; freed < std::min(excess, pages_max); ++freed)
                if (!vacuum.step()) return false;
            return excess > pages_max;
        },
        std::move(reply));
}

Result<PruneResult> SqliteStore::preview_prune(const PruneBatch& batch) {
    return readers_.run([&](Database& database) -> Result<PruneResult> {
        PruneResult result;
        (void)select_victims(database, batch, result);
        return result;
    });
}

Result<PruneResult> SqliteStore::preview_prune_output(const OutputPreview& preview) {
    return readers_.run([&](Database& database) -> Result<PruneResult> {
        PruneResult result;
        result.last = preview.after;
        std::int64_t total = counter(database, output_bytes_counter) - preview.bytes_before;
        for (const StoredOutput& output : outputs_of_these(database, preview)) {
            if (total <= preview.bytes_kept) return result;
            total -= output.bytes;
            ++result.jobs;
            result.output_bytes += output.bytes;
        }
        PruneResult rest;
        (void)select_outputs(
            database, total, preview.bytes_kept, preview.jobs_max, preview.after, rest);
        if (rest.jobs > 0) result.last = rest.last;
        result.jobs += rest.jobs;
        result.output_bytes += rest.output_bytes;
        result.has_more = rest.has_more;
        return result;
    });
}

Result<std::vector<Removal>> SqliteStore::removals(std::optional<JobId> after, std::int64_t limit) {
    return readers_.run([&](Database& database) -> Result<std::vector<Removal>> {
        std::vector<Removal> removals;
        Query query = database.query(
            after ? "SELECT id, attempts FROM removal WHERE id > ?2 ORDER BY id LIMIT ?1"
                  : "SELECT id, attempts FROM removal ORDER BY id LIMIT ?1");
        query.bind(limit);
        if (after) query.bind(*after);
        while (query.step())
            removals.push_back({query.job_id(0), static_cast<int>(query.integer(1))});
        return removals;
    });
}

Result<HistoryTotals> SqliteStore::history_totals() {
    return readers_.run([&](Database& database) -> Result<HistoryTotals> {
        HistoryTotals totals;
        totals.ended = ended_jobs(database);
        totals.purged = counter(database, purged_counter);
        totals.output_bytes = counter(database, output_bytes_counter);
        totals.free_pages = pragma(database, "PRAGMA freelist_count");
        Query oldest = database.query(
            "SELECT finished_at FROM job INDEXED BY job_history WHERE finished_at IS NOT NULL "
            "ORDER BY finished_at LIMIT 1");
        if (oldest.step()) totals.oldest_ended_at = oldest.time(0);
        return totals;
    });
}

}  // namespace scheduler
