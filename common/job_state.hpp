#pragma once
/// The states of a job and the moves between them. Nowhere else.
///
///                 claim                       settle
///   scheduled ────────────▶ running ────────────────────▶ finished   success, failed, killed,
///       │  ▲                   │                                      timed_out, lost
///       │  └───────────────────┘
///       │        retry (attempt + 1)
///       └──────────────────────────────────────────────▶ canceled   did_not_run
///        cancel: removed, expired, its `after` can't happen
///
/// What holds in each state:
///   scheduled  due_at is set; no container of the current attempt was ever started.
///   running    the claim, with the engine's identity, is committed. Without a container id it was
///              certainly never started; with one, an inspect on that engine settles it.
///   finished   outcome and finished_at are committed and never change again.
///   canceled   it never ran, or not again after the attempts that failed; finished_at is set.
///
/// Who makes each move: claim is Store::claim_due, settle is Store::finish, retry is Store::retry,
/// cancel is Store::cancel and Store::expire.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

enum class JobStatus : std::uint8_t { scheduled, running, finished, canceled };
enum class FinishStatus : std::uint8_t { success, failed, did_not_run, killed, timed_out, lost };

inline constexpr std::array job_statuses{
    JobStatus::scheduled, JobStatus::running, JobStatus::finished, JobStatus::canceled};
inline constexpr std::array finish_statuses{FinishStatus::success,
                                            FinishStatus::failed,
                                            FinishStatus::did_not_run,
                                            FinishStatus::killed,
                                            FinishStatus::timed_out,
                                            FinishStatus::lost};

std::string_view to_string(JobStatus status);
std::string_view to_string(FinishStatus status);
/// What follows "it" in a sentence: `timed out`.
std::string_view sentence_word(FinishStatus status);
/// Errors: bad_field, naming the words that are allowed.
Result<JobStatus> parse_job_status(std::string_view word);
Result<FinishStatus> parse_finish_status(std::string_view word);

constexpr bool may_move(JobStatus from, JobStatus to) {
    switch (from) {
        case JobStatus::scheduled:
            return to == JobStatus::running || to == JobStatus::canceled;
        case JobStatus::running:
            return to == JobStatus::finished || to == JobStatus::scheduled;
        case JobStatus::finished:
        case JobStatus::canceled:
            return false;
    }
    return false;
}

/// Finished and canceled jobs are history.
constexpr bool has_ended(JobStatus status) {
    return status == JobStatus::finished || status == JobStatus::canceled;
}

/// The status of a job that ended so: did_not_run belongs to canceled, all else to finished.
constexpr JobStatus status_of(FinishStatus finish) {
    return finish == FinishStatus::did_not_run ? JobStatus::canceled : JobStatus::finished;
}

static_assert(may_move(JobStatus::scheduled, JobStatus::running));
static_assert(!may_move(JobStatus::scheduled, JobStatus::finished));
static_assert(!may_move(JobStatus::running, JobStatus::canceled));
static_assert(!may_move(JobStatus::finished, JobStatus::running));

}  // namespace scheduler
