/// What `verify` reads: all that is remembered of a job, in keyed pages by number.

#include <algorithm>

#include "daemon/store/sqlite/counters.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/snapshot.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

#define SCHEDULER_RECORD_COLUMNS                                                              \
    SCHEDULER_JOB_COLUMNS                                                                     \
    ", engine_id, (SELECT bytes FROM output WHERE ended_at = finished_at AND job = number), " \
    "CASE WHEN status = 'scheduled' AND ready = 3 THEN group_name END"

/// A word that no version knows is told as damage, so that one bad row does not hide the others.
JobRecord record_from(const Query& row) {
    JobRecord record;
    try {
        record.job = job_from(row);
    } catch (const DamagedRow& error) {
        record.damage = error.what();
        record.job.id = row.job_id(0);
        record.job.number = row.integer(4);
    }
    record.claimed_at = row.optional_time(15);
    record.engine_id = row.optional_text(job_columns);
    record.output_bytes = row.optional_integer(job_columns + 1);
    record.waits_for_group = row.optional_text(job_columns + 2);
    return record;
}

Transition transition_from(const Query& row) {
    Transition transition;
    transition.seq = row.integer(0);
    transition.at = row.time(1);
    if (auto from = row.optional_text(2)) transition.from = must(parse_job_status(*from));
    transition.to = must(parse_job_status(row.text(3)));
    transition.reason = row.optional_text(4);
    return transition;
}

Attempt attempt_from(const Query& row) {
    Attempt attempt;
    attempt.attempt = row.integer(0);
    attempt.finish_status = must(parse_finish_status(row.text(1)));
    if (auto started_at = row.optional_time(2)) attempt.started_at = Instant{*started_at};
    attempt.finished_at.at = row.time(3);
    attempt.exit_code = row.optional_integer(4);
    attempt.error = row.optional_text(5);
    attempt.container_id = row.optional_text(6);
    return attempt;
}

void add_transitions(Database& database, JobRecord& record) {
    // Newest first, so that what a limit leaves out is old.
    Query query = database.query(
        "SELECT seq, at, from_status, to_status, reason FROM event INDEXED BY event_job WHERE job "
        "= ? ORDER BY seq DESC LIMIT ?");
    query.bind(record.job.number).bind(JobRecord::transitions_max);
    try {
        while (query.step())
            record.transitions.push_back(transition_from(query));
    } catch (const DamagedRow& error) {
        record.damage = error.what();
    }
    std::reverse(record.transitions.begin(), record.transitions.end());
}

void add_attempts(Database& database, JobRecord& record) {
    Query query = database.query(
        "SELECT attempt, finish_status, started_at, finished_at, exit_code, error, container_id "
        "FROM attempt WHERE job = ? ORDER BY attempt");
    query.bind(record.job.number);
    try {
        while (query.step())
            record.attempts.push_back(attempt_from(query));
    } catch (const DamagedRow& error) {
        record.damage = error.what();
    }
}

std::vector<JobRecord> read_records(Database& database, Query query) {
    std::vector<JobRecord> records;
    while (query.step())
        records.push_back(record_from(query));
    for (JobRecord& record : records) {
        add_transitions(database, record);
        add_attempts(database, record);
    }
    return records;
}

}  // namespace

Result<std::vector<JobRecord>> SqliteStore::records_after(std::int64_t number, std::int64_t limit) {
    return readers_.run([&](Database& database) -> Result<std::vector<JobRecord>> {
        Snapshot snapshot(database);
        Query query = database.query("SELECT " SCHEDULER_RECORD_COLUMNS
                                     " FROM job WHERE number > ? ORDER BY number LIMIT ?");
        query.bind(number).bind(limit);
        return read_records(database, std::move(query));
    });
}

Result<std::optional<JobRecord>> SqliteStore::record(JobId id) {
    return readers_.run([&](Database& database) -> Result<std::optional<JobRecord>> {
        Snapshot snapshot(database);
        Query query = database.query("SELECT " SCHEDULER_RECORD_COLUMNS " FROM job WHERE id = ?");
        query.bind(id);
        auto records = read_records(database, std::move(query));
        if (records.empty()) return std::optional<JobRecord>();
        return std::optional(std::move(records.front()));
    });
}

Result<bool> SqliteStore::is_being_removed(JobId id) {
    return readers_.run([&](Database& database) -> Result<bool> {
        Query query = database.query("SELECT 1 FROM removal WHERE id = ?");
        query.bind(id);
        return query.step();
    });
}

Result<Tally> SqliteStore::tally() {
    return readers_.run([&](Database& database) -> Result<Tally> {
        Snapshot snapshot(database);
        Tally tally;
        Query last_event = database.query("SELECT max(seq) FROM event");
        if (last_event.step()) tally.last_event = last_event.integer(0);
        Query counters = database.query("SELECT state, n FROM counter");
        while (counters.step())
            tally.counted[counters.text(0)] = counters.integer(1);
        tally.purged = tally.counted[std::string(purged_counter)];
        return tally;
    });
}

}  // namespace scheduler
