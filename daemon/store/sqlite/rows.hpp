#pragma once
/// Rows ↔ types. The column lists and the order in which they are read stand side by side.

#include "common/job.hpp"
#include "daemon/store/sqlite/database.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

/// A row that holds what no version of this program writes. `code` is SQLITE_CORRUPT.
struct DamagedRow : SqliteError {
    explicit DamagedRow(const std::string& why)
        : SqliteError(SQLITE_CORRUPT, "a row is damaged: " + why) {}
};

template <class T>
T must(Result<T> parsed) {
    if (!parsed) throw DamagedRow(parsed.error().message);
    return std::move(*parsed);
}

/// What `job_from` reads. Columns that a query adds begin at `job_columns`.
#define SCHEDULER_JOB_COLUMNS                                                                \
    "id, name, status, finish_status, number, due_at, created_at, started_at, finished_at, " \
    "exit_code, error, "                                                                     \
    "container_id, attempt, submitted_by, schedule_id, claimed_at, output_removed_at, "      \
    "definition_revision, held_by"
inline constexpr int job_columns = 19;

Job job_from(const Query& row);
/// The same with the specification, which is the column behind.
Job whole_job_from(const Query& row);
/// The specification at `column`; an unreadable one is a damaged row and throws SqliteError.
JobSpec spec_from(const Query& row, int column);

#define SCHEDULER_RUNNING_COLUMNS                                                                \
    "id, number, name, spec, attempt, due_at, claimed_at, engine_id, container_id, started_at, " \
    "deadline_at, "                                                                              \
    "kill_requested_at, kill_requested_by, kill_now, stop_reason, created_at, released_at"

RunningJob running_from(const Query& row);

}  // namespace scheduler
