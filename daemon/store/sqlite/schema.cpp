#include "daemon/store/sqlite/schema.hpp"

#include <array>

#include <fmt/format.h>

namespace scheduler {
namespace {

/// Times are milliseconds since the epoch (UTC). `rank` = due_at − priority minutes. `ready` is set
/// in batches when a row comes due, so that the claim reads one index in the order of rank.
constexpr const char* version_1 = R"sql(
CREATE TABLE job(
  number            INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
  id                BLOB    NOT NULL UNIQUE,           -- UUIDv7
  name              TEXT    NOT NULL,
  spec              TEXT    NOT NULL,                  -- JSON
  status            TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  due_at            INTEGER NOT NULL,
  rank              INTEGER NOT NULL,
  priority          INTEGER NOT NULL DEFAULT 0,
  ready             INTEGER NOT NULL DEFAULT 0,
  held              INTEGER NOT NULL DEFAULT 0,
  group_name        TEXT,
  submitted_by      TEXT    NOT NULL,
  key               TEXT,
  request_hash      TEXT,
  schedule_id       BLOB,
  intended_at       INTEGER,
  attempt           INTEGER NOT NULL DEFAULT 0,        -- of the last claim
  claimed_at        INTEGER,
  engine_id         TEXT,
  container_id      TEXT,
  started_at        INTEGER,
  deadline_at       INTEGER,
  kill_requested_at INTEGER,
  kill_requested_by TEXT,
  kill_now          INTEGER NOT NULL DEFAULT 0,
  stop_reason       TEXT,
  finished_at       INTEGER,                           -- set when it has ended, never before
  finish_status     TEXT,
  exit_code         INTEGER,
  error             TEXT
) STRICT;
CREATE UNIQUE INDEX job_key        ON job(key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX job_occurrence ON job(schedule_id, intended_at) WHERE schedule_id IS NOT NULL;
CREATE INDEX job_submitter         ON job(submitted_by, number);
CREATE INDEX job_scheduled         ON job(ready, due_at, number) WHERE status = 'scheduled';
CREATE INDEX job_scheduled_name    ON job(name, due_at, number) WHERE status = 'scheduled';
CREATE INDEX job_ready             ON job(rank, number) WHERE status = 'scheduled' AND ready = 1 AND held = 0;
CREATE INDEX job_running           ON job(claimed_at, number) WHERE status = 'running';
CREATE INDEX job_history           ON job(finished_at, number) WHERE finished_at IS NOT NULL;
CREATE INDEX job_history_name      ON job(name, finished_at, number) WHERE finished_at IS NOT NULL;
CREATE INDEX job_history_finish    ON job(finish_status, finished_at, number) WHERE finished_at IS NOT NULL;

CREATE TABLE attempt(                                  -- one row a finished try
  job           INTEGER NOT NULL,                      -- job.number
  attempt       INTEGER NOT NULL,
  engine_id     TEXT,
  container_id  TEXT,
  claimed_at    INTEGER,
  started_at    INTEGER,
  finished_at   INTEGER NOT NULL,
  finish_status TEXT    NOT NULL,
  exit_code     INTEGER,
  error         TEXT,
  PRIMARY KEY(job, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE event(                                    -- one row a transition
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  job         INTEGER NOT NULL,                        -- job.number
  at          INTEGER NOT NULL,
  from_status TEXT,
  to_status   TEXT    NOT NULL,
  reason      TEXT
) STRICT;
CREATE INDEX event_job ON event(job, seq);

CREATE TABLE counter(state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql";

/// What retention needs, and an index for lists by name and end. Cheap on a database of any size:
/// columns without a value, empty tables, an index.
constexpr const char* version_2 = R"sql(
ALTER TABLE job ADD COLUMN output_removed_at INTEGER;  -- its output went to make room; the row stays

CREATE TABLE output(                                   -- stored output of ended jobs, oldest first
  ended_at INTEGER NOT NULL,                           -- job.finished_at
  job      INTEGER NOT NULL,                           -- job.number
  bytes    INTEGER NOT NULL,                           -- of its files; their sum: counter 'output_bytes'
  PRIMARY KEY(ended_at, job)
) STRICT, WITHOUT ROWID;

CREATE TABLE removal(                                  -- output files that are to be removed
  id       BLOB    PRIMARY KEY,                        -- job.id
  attempts INTEGER NOT NULL                            -- files of the attempts 1 to this one
) STRICT, WITHOUT ROWID;

CREATE INDEX job_history_name_finish ON job(name, finish_status, finished_at, number) WHERE finished_at IS NOT NULL;
)sql";

/// Definitions: each change is a new row, so that a revision is never reused, also not by another
/// definition of the name. And who holds a job back: such a row has `held` 1 and `ready` 2, so that
/// nothing that looks for what is due meets it.
constexpr const char* version_3 = R"sql(
CREATE TABLE definition(
  revision   INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT    NOT NULL UNIQUE,
  spec       TEXT    NOT NULL,                         -- JSON
  updated_at INTEGER NOT NULL,
  updated_by TEXT    NOT NULL
) STRICT;

ALTER TABLE job ADD COLUMN definition_revision INTEGER; -- NULL: the name is an image
ALTER TABLE job ADD COLUMN held_by TEXT;
ALTER TABLE job ADD COLUMN released_at INTEGER;         -- it was held until then
)sql";

/// From when on a job is not started any more.
constexpr const char* version_4 = R"sql(
ALTER TABLE job ADD COLUMN expires_at INTEGER;          -- NULL: it waits as long as it takes
CREATE INDEX job_expiry ON job(expires_at) WHERE status = 'scheduled' AND expires_at IS NOT NULL;
)sql";

/// What an attempt printed, which counts for the job's output when that has ended.
constexpr const char* version_5 = R"sql(
ALTER TABLE attempt ADD COLUMN output_bytes INTEGER;    -- NULL: none that is known
)sql";

/// Groups with a limit or a pause. A job that is due has `ready` 3 where its group is one of them.
constexpr const char* version_6 = R"sql(
CREATE TABLE job_group(
  name         TEXT    PRIMARY KEY,
  max_running  INTEGER,                                -- NULL: no limit
  paused       INTEGER NOT NULL DEFAULT 0,
  paused_until INTEGER,                                -- NULL: until it is resumed
  updated_at   INTEGER NOT NULL,
  updated_by   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX job_in_line       ON job(group_name, rank, number) WHERE status = 'scheduled' AND ready = 3;
CREATE INDEX job_group_due     ON job(group_name, ready, due_at) WHERE status = 'scheduled' AND group_name IS NOT NULL;
CREATE INDEX job_group_running ON job(group_name) WHERE status = 'running' AND group_name IS NOT NULL;
)sql";

constexpr std::array all_migrations{Migration{1, version_1},
                                    Migration{2, version_2},
                                    Migration{3, version_3},
                                    Migration{4, version_4},
                                    Migration{5, version_5},
                                    Migration{6, version_6}};

std::int64_t pragma(Database& database, const char* sql) {
    Query query = database.query(sql);
    return query.step() ? query.integer(0) : 0;
}

/// A copy that is consistent and synced, made by SQLite itself.
void copy_beside(Database& database, const std::filesystem::path& path, std::int64_t version) {
    std::filesystem::path copy = path;
    copy += fmt::format(".v{}", version);
    std::error_code ignored;
    std::filesystem::remove(copy, ignored);  // of an attempt that did not end
    make_private(copy);
    database.query("VACUUM INTO ?").bind(copy.native()).run();
}

void apply(Database& database, const Migration& migration) {
    database.exec("BEGIN IMMEDIATE");
    try {
        database.exec(migration.sql);
        database.exec(fmt::format("PRAGMA user_version={}", migration.version).c_str());
        database.exec(fmt::format("PRAGMA application_id={}", application_id).c_str());
        database.exec("COMMIT");
    } catch (...) {
        if (database.in_transaction()) database.exec("ROLLBACK");
        throw;
    }
}

}  // namespace

std::span<const Migration> migrations() {
    return all_migrations;
}

Result<Done> migrate(Database& database,
                     const std::filesystem::path& path,
                     std::span<const Migration> steps) {
    try {
        std::int64_t version = pragma(database, "PRAGMA user_version");
        std::int64_t application = pragma(database, "PRAGMA application_id");
        std::int64_t tables = pragma(database, "SELECT count(*) FROM sqlite_schema");
        if (tables > 0 && application != application_id)
            return fail(ErrorCode::internal,
                        fmt::format("{} is not a database of schedulerd; give another --state-dir",
                                    path.native()));
        if (version > steps.back().version)
            return fail(ErrorCode::internal,
                        fmt::format("{} was written by a newer schedulerd (schema {}, this one "
                                    "knows up to {}); run "
                                    "that version, or give another --state-dir",
                                    path.native(),
                                    version,
                                    steps.back().version));
        if (version > 0 && version < steps.back().version) copy_beside(database, path, version);
        for (const Migration& step : steps)
            if (step.version > version) apply(database, step);
        return Done{};
    } catch (const SqliteError& error) {
        return fail(ErrorCode::internal,
                    fmt::format("{} can't be prepared: {}; is the disk full or the file damaged?",
                                path.native(),
                                error.what()));
    }
}

}  // namespace scheduler
