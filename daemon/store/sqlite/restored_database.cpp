#include "daemon/store/sqlite/restored_database.hpp"

#include <vector>

#include <fmt/format.h>

#include "daemon/store/sqlite/counters.hpp"
#include "daemon/store/sqlite/database.hpp"
#include "daemon/store/sqlite/schema.hpp"

namespace scheduler {
namespace {

constexpr std::int64_t events_step = 1'000'000'000;

constexpr const char* lost_reason =
    "it was running when the backup was made that this daemon is restored from, so how it ended is "
    "not known here";
constexpr const char* missed_reason =
    "it was due before this daemon was restored from a backup, so the original may have run it; "
    "restore with --run-missed to run such jobs";

std::int64_t one_integer(Database& database, const char* sql) {
    Query query = database.query(sql);
    return query.step() ? query.integer(0) : 0;
}

std::string one_text(Database& database, const char* sql) {
    Query query = database.query(sql);
    return query.step() ? query.text(0) : "";
}

Failure<Error> damaged(const std::filesystem::path& file, std::string_view how) {
    return fail(ErrorCode::internal,
                fmt::format("the backup {} is damaged ({}), so nothing is restored from it; take "
                            "another backup",
                            file.native(),
                            how.substr(0, how.find('\n'))));
}

Result<Done> check(Database& database, const std::filesystem::path& file) {
    if (one_integer(database, "PRAGMA application_id") != application_id)
        return fail(ErrorCode::internal,
                    fmt::format("{} is not a database of schedulerd; give a file that schedctl "
                                "backup made",
                                file.native()));
    auto version = one_integer(database, "PRAGMA user_version");
    if (version > migrations().back().version)
        return fail(ErrorCode::internal,
                    fmt::format("{} was made by a newer schedulerd (schema {}, this one knows up "
                                "to {}); restore it with that version",
                                file.native(),
                                version,
                                migrations().back().version));
    std::string verdict = one_text(database, "PRAGMA integrity_check(1)");
    if (verdict != "ok") return damaged(file, verdict);
    return Done{};
}

void count(Database& database, std::string_view state, std::int64_t change) {
    if (change == 0) return;
    database
        .query(
            "INSERT INTO counter(state, n) VALUES(?1, ?2) ON CONFLICT(state) DO UPDATE SET n = n + "
            "?2")
        .bind(state)
        .bind(change)
        .run();
}

void set_meta(Database& database, const char* key, std::string_view value) {
    database
        .query(
            "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2")
        .bind(key)
        .bind(value)
        .run();
}

std::int64_t lose_running(Database& database, TimePoint now) {
    database
        .query(
            "INSERT INTO event(job, at, from_status, to_status, reason) SELECT number, ?, "
            "'running', 'finished', ? FROM job WHERE status = 'running' ORDER BY number")
        .bind(now)
        .bind(lost_reason)
        .run();
    database
        .query(
            "INSERT INTO attempt(job, attempt, engine_id, container_id, claimed_at, started_at, "
            "finished_at, finish_status, error) SELECT number, attempt, engine_id, container_id, "
            "claimed_at, started_at, ?, 'lost', ? FROM job WHERE status = 'running'")
        .bind(now)
        .bind(lost_reason)
        .run();
    database
        .query(
            "UPDATE job SET status = 'finished', finish_status = 'lost', finished_at = ?, error = "
            "?, deadline_at = NULL WHERE status = 'running'")
        .bind(now)
        .bind(lost_reason)
        .run();
    std::int64_t lost = database.changes();
    count(database, "running", -lost);
    count(database, "lost", lost);
    return lost;
}

/// What the attempts so far of a job that goes on have printed does not count here: it is not in a
/// backup, and whether it comes along is not known.
void forget_attempts_output(Database& database) {
    database.exec(
        "UPDATE attempt SET output_bytes = NULL WHERE job IN (SELECT number FROM job WHERE "
        "finished_at IS NULL AND attempt > 1 OR status = 'scheduled' AND attempt > 0)");
}

std::int64_t cancel_missed(Database& database, TimePoint now) {
    database
        .query(
            "INSERT INTO event(job, at, from_status, to_status, reason) SELECT number, ?1, "
            "'scheduled', 'canceled', ?2 FROM job WHERE status = 'scheduled' AND due_at <= ?1 "
            "ORDER BY number")
        .bind(now)
        .bind(missed_reason)
        .run();
    database
        .query(
            "UPDATE job SET status = 'canceled', ready = 0, held = 0, held_by = NULL, "
            "finish_status = 'did_not_run', "
            "finished_at = ?1, error = ?2 WHERE status = 'scheduled' AND due_at <= ?1")
        .bind(now)
        .bind(missed_reason)
        .run();
    std::int64_t missed = database.changes();
    count(database, "scheduled", -missed);
    count(database, "did_not_run", missed);
    return missed;
}

/// A backup is the database alone: its output comes along by other means, or does not.
std::int64_t forget_absent_output(Database& database, const RestoreOptions& options) {
    struct Absent {
        TimePoint ended_at;
        std::int64_t job;
        std::int64_t bytes;
    };
    std::vector<Absent> absent;
    {
        Query stored = database.query(
            "SELECT output.ended_at, output.job, output.bytes, job.id, job.attempt FROM output "
            "JOIN job ON job.number = output.job");
        while (stored.step())
            if (!options.has_output(stored.job_id(3), static_cast<int>(stored.integer(4))))
                absent.push_back({stored.time(0), stored.integer(1), stored.integer(2)});
    }
    for (const Absent& output : absent) {
        database.query("DELETE FROM output WHERE ended_at = ? AND job = ?")
            .bind(output.ended_at)
            .bind(output.job)
            .run();
        count(database, output_bytes_counter, -output.bytes);
    }
    return static_cast<std::int64_t>(absent.size());
}

/// Before anything is recorded, so that no number and no event's place is given twice.
void move_sequences(Database& database) {
    for (const char* table : {"job", "event", "definition"})
        database
            .query(
                "INSERT INTO sqlite_sequence(name, seq) SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 "
                "FROM "
                "sqlite_sequence WHERE name = ?1)")
            .bind(table)
            .run();
    database
        .query(
            "UPDATE sqlite_sequence SET seq = (seq / ?1 + 1) * ?1 WHERE name IN ('job', "
            "'definition')")
        .bind(numbers_step)
        .run();
    database.query("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'event'")
        .bind(events_step)
        .run();
}

RestoreReport fence(Database& database, const RestoreOptions& options) {
    RestoreReport report;
    // Of a restored copy that was backed up before it was resumed.
    forget_fence(database);
    move_sequences(database);
    forget_attempts_output(database);
    report.lost = lose_running(database, options.now);
    if (options.run_missed) {
        Query due =
            database.query("SELECT count(*) FROM job WHERE status = 'scheduled' AND due_at <= ?");
        due.bind(options.now);
        if (due.step()) report.missed = due.integer(0);
        set_meta(database, fence_meta, "0");
    } else {
        report.missed = cancel_missed(database, options.now);
        set_meta(database,
                 fence_meta,
                 std::to_string(
                     one_integer(database, "SELECT seq FROM sqlite_sequence WHERE name = 'job'")));
    }
    report.bare = forget_absent_output(database, options);
    set_meta(database,
             "restored_instance",
             one_text(database, "SELECT value FROM meta WHERE key = 'instance'"));
    set_meta(database, "instance", options.instance);
    set_meta(database, "restored_at", to_rfc3339(options.now));
    set_meta(database, "paused_until", "resume");
    database.exec("DELETE FROM meta WHERE key IN ('engine_id', 'engine_address')");
    report.jobs = one_integer(database, "SELECT count(*) FROM job");
    report.scheduled = one_integer(database, "SELECT count(*) FROM job WHERE status = 'scheduled'");
    return report;
}

RestoreReport fence_in_one_transaction(Database& database, const RestoreOptions& options) {
    database.exec("BEGIN IMMEDIATE");
    RestoreReport report = fence(database, options);  // an exception closes the copy, which goes
    database.exec("COMMIT");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return report;
}

}  // namespace

std::optional<std::int64_t> fence_of(Database& database) {
    Query query = database.query("SELECT value FROM meta WHERE key = ?");
    query.bind(fence_meta);
    return query.step() ? std::optional(query.integer(0)) : std::nullopt;
}

bool is_exempt(Database& database, JobId id) {
    Query query = database.query("SELECT 1 FROM meta WHERE key = ?");
    return query.bind(exempt_prefix + id.to_string()).step();
}

void forget_fence(Database& database) {
    database.query("DELETE FROM meta WHERE key = ?").bind(fence_meta).run();
    database.query("DELETE FROM meta WHERE key >= ?1 AND key < ?1 || char(0x10ffff)")
        .bind(exempt_prefix)
        .run();
}

Result<RestoreReport> make_restored(const std::filesystem::path& path,
                                    const std::filesystem::path& file,
                                    const RestoreOptions& options) {
    try {
        Database database(path, Database::Mode::writer);
        if (auto checked = check(database, file); !checked) return fail(checked.error());
        auto version = one_integer(database, "PRAGMA user_version");
        if (auto migrated = migrate(database, path, migrations()); !migrated)
            return fail(migrated.error());
        // The backup itself is the copy that a migration keeps.
        std::error_code ignored;
        std::filesystem::remove(fmt::format("{}.v{}", path.native(), version), ignored);
        return fence_in_one_transaction(database, options);
    } catch (const SqliteError& error) {
        if (error.kind() == SqliteError::Kind::damage) return damaged(file, error.what());
        return fail(
            ErrorCode::internal,
            fmt::format(
                "{} can't be restored: {}; is the disk full?", file.native(), error.what()));
    }
}

}  // namespace scheduler
