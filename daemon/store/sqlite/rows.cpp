#include "daemon/store/sqlite/rows.hpp"

#include <algorithm>

#include "common/json.hpp"
#include "common/local_time.hpp"

namespace scheduler {
namespace {

std::optional<Instant> optional_instant(const Query& row, int column) {
    auto at = row.optional_time(column);
    return at ? std::optional(Instant{*at}) : std::nullopt;
}

}  // namespace

Job job_from(const Query& row) {
    Job job;
    job.id = row.job_id(0);
    job.job_name = row.text(1);
    job.status = must(parse_job_status(row.text(2)));
    if (auto finish = row.optional_text(3)) job.finish_status = must(parse_finish_status(*finish));
    job.number = row.integer(4);
    job.due_at.at = row.time(5);
    job.created_at.at = row.time(6);
    job.started_at = optional_instant(row, 7);
    job.finished_at = optional_instant(row, 8);
    job.exit_code = row.optional_integer(9);
    job.error = row.optional_text(10);
    job.container_id = row.optional_text(11);
    if (row.integer(12) > 0) job.attempt = row.integer(12);
    job.submitted_by = row.text(13);
    if (!row.is_null(14)) job.schedule_id = ScheduleId(row.job_id(14).bytes());
    // A clock that was set back after the claim must not make it early.
    if (auto claimed_at = row.optional_time(15))
        job.lateness_ms = std::max<std::int64_t>((*claimed_at - job.due_at.at).count(), 0);
    job.output_removed_at = optional_instant(row, 16);
    job.definition_revision = row.optional_integer(17);
    job.held_by = row.optional_text(18);
    job.scheduled_in = to_local_date(job.created_at.at);
    job.scheduled_to = to_local_date(job.due_at.at);
    if (job.finished_at) job.finish_date = to_local_date(job.finished_at->at);
    return job;
}

JobSpec spec_from(const Query& row, int column) {
    return must(decode<JobSpec>(row.text(column)));
}

Job whole_job_from(const Query& row) {
    Job job = job_from(row);
    job.spec = spec_from(row, job_columns);
    return job;
}

RunningJob running_from(const Query& row) {
    RunningJob job;
    job.id = row.job_id(0);
    job.number = row.integer(1);
    job.name = row.text(2);
    job.spec = spec_from(row, 3);
    job.attempt = static_cast<int>(row.integer(4));
    job.due_at = row.time(5);
    job.claimed_at = row.time(6);
    job.engine_id = row.text(7);
    job.container_id = row.optional_text(8);
    job.started_at = row.optional_time(9);
    job.deadline_at = row.optional_time(10);
    job.kill_requested_at = row.optional_time(11);
    job.kill_requested_by = row.optional_text(12);
    job.kill_now = row.integer(13) != 0;
    job.created_at = row.time(15);
    job.released_at = row.optional_time(16);
    if (auto reason = row.optional_text(14)) job.stop_reason = must(parse_finish_status(*reason));
    return job;
}

}  // namespace scheduler
