#pragma once
/// A job as users see it. The original fields keep their names and formats for ever.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.hpp"
#include "common/job_spec.hpp"
#include "common/job_state.hpp"
#include "common/time.hpp"

namespace scheduler {

/// One try of a job that has ended.
struct Attempt {
    std::int64_t attempt = 1;
    FinishStatus finish_status = FinishStatus::failed;
    std::optional<Instant> started_at;
    Instant finished_at;
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> error;
    std::optional<std::string> container_id;

    static void fields(auto& self, auto& visit) {
        visit("attempt", self.attempt, "from 1");
        visit("finish_status", self.finish_status, "how it ended");
        visit("started_at", self.started_at, "RFC 3339, UTC; absent where it never started");
        visit("finished_at", self.finished_at, "RFC 3339, UTC");
        visit("exit_code", self.exit_code, "of the container");
        visit("error", self.error, "what went wrong, in the engine's words and ours");
        visit("container_id", self.container_id, "of this attempt");
    }
};

struct Job {
    JobId id;
    std::string job_name;
    std::string scheduled_in;  ///< local date (local_time.hpp) of created_at, in the daemon's zone
    std::string scheduled_to;  ///< local date of due_at
    JobStatus status = JobStatus::scheduled;
    std::optional<FinishStatus> finish_status;
    std::optional<std::string> finish_date;  ///< local date of finished_at
    std::int64_t number = 0;
    Instant due_at;
    Instant created_at;
    std::optional<Instant> started_at;
    std::optional<Instant> finished_at;
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> error;
    std::optional<std::string> container_id;
    std::optional<std::int64_t> attempt;  ///< from 1; absent until it was claimed
    std::optional<JobSpec> spec;          ///< not in lists
    std::optional<ScheduleId> schedule_id;
    std::optional<std::string> submitted_by;  ///< `uid:1000`, `token:NAME`, `http`
    /// Dispatch time − due time, from 0; of a job that waits though it is due, so far.
    std::optional<std::int64_t> lateness_ms;
    std::optional<Instant> output_removed_at;  ///< to keep all within a limit; the job is kept
    /// Of the definition that job_name named; absent where it is an image.
    std::optional<std::int64_t> definition_revision;
    std::optional<std::string> held_by;  ///< absent while nobody holds it back
    std::vector<Attempt> attempts;       ///< of a job that was tried again; not in lists

    static void fields(auto& self, auto& visit) {
        visit.unless_empty(
            "id", self.id, "32 lower-case hex digits, a UUIDv7; absent in a dry run");
        visit("job_name", self.job_name, "image reference or definition name, as given");
        visit("scheduled_in", self.scheduled_in, "when it was submitted, %d-%m-%Y %H:%M:%S");
        visit("scheduled_to", self.scheduled_to, "when it is due, %d-%m-%Y %H:%M:%S");
        visit("status", self.status, "scheduled, running, finished or canceled");
        visit("finish_status", self.finish_status, "how it ended; only in history");
        visit("finish_date", self.finish_date, "when it ended, %d-%m-%Y %H:%M:%S; only in history");
        visit.unless_empty("number",
                           self.number,
                           "short name for people, from 1, never reused; absent in a dry run");
        visit("due_at", self.due_at, "RFC 3339, UTC");
        visit("created_at", self.created_at, "RFC 3339, UTC");
        visit("started_at", self.started_at, "RFC 3339, UTC");
        visit("finished_at", self.finished_at, "RFC 3339, UTC");
        visit("exit_code", self.exit_code, "of the container");
        visit("error", self.error, "what went wrong, in the engine's words and ours");
        visit("container_id", self.container_id, "of the current or last attempt");
        visit("attempt", self.attempt, "from 1, once it was claimed");
        visit("spec", self.spec, "what it runs; not in lists");
        visit("schedule_id", self.schedule_id, "the schedule that created it");
        visit("submitted_by", self.submitted_by, "uid:N, token:NAME or http");
        visit("lateness_ms",
              self.lateness_ms,
              "how long after due_at it was dispatched, or has waited so far; absent before");
        visit(
            "output_removed_at",
            self.output_removed_at,
            "when its output was removed to keep all output within a limit (log-total, or that of "
            "a prune); RFC 3339, UTC");
        visit("definition_revision",
              self.definition_revision,
              "of the definition that job_name names; absent where it is an image");
        visit(
            "held_by", self.held_by, "who keeps it from starting (hold); absent while nobody does");
        visit(
            "attempts",
            self.attempts,
            "the attempts that have ended, of a job that was or will be tried again; not in lists");
    }
};

/// Whether an attempt of it is over, also of a job that goes on with another one.
inline bool has_attempt_ended(const Job& job, std::int64_t attempt) {
    if (has_ended(job.status)) return true;
    std::int64_t last = job.attempt.value_or(0);
    if (attempt < 1) return false;
    return attempt < last || (attempt == last && job.status == JobStatus::scheduled);
}

/// When a job's wait begins: a date in the past is due when it is submitted. What is late is late
/// since then.
inline TimePoint due_from(TimePoint due_at, TimePoint created_at) {
    return std::max(due_at, created_at);
}
inline TimePoint due_from(const Job& job) {
    return due_from(job.due_at.at, job.created_at.at);
}

}  // namespace scheduler
