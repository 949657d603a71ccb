#include "common/job_state.hpp"

#include "common/words.hpp"

namespace scheduler {

std::string_view to_string(JobStatus status) {
    switch (status) {
        case JobStatus::scheduled:
            return "scheduled";
        case JobStatus::running:
            return "running";
        case JobStatus::finished:
            return "finished";
        case JobStatus::canceled:
            return "canceled";
    }
    return "scheduled";
}

std::string_view to_string(FinishStatus status) {
    switch (status) {
        case FinishStatus::success:
            return "success";
        case FinishStatus::failed:
            return "failed";
        case FinishStatus::did_not_run:
            return "did_not_run";
        case FinishStatus::killed:
            return "killed";
        case FinishStatus::timed_out:
            return "timed_out";
        case FinishStatus::lost:
            return "lost";
    }
    return "failed";
}

std::string_view sentence_word(FinishStatus status) {
    switch (status) {
        case FinishStatus::success:
            return "ended well";
        case FinishStatus::failed:
            return "failed";
        case FinishStatus::did_not_run:
            return "did not run";
        case FinishStatus::killed:
            return "was killed";
        case FinishStatus::timed_out:
            return "timed out";
        case FinishStatus::lost:
            return "is lost";
    }
    return "ended";
}

Result<JobStatus> parse_job_status(std::string_view word) {
    return parse_word(word, "status", job_statuses);
}

Result<FinishStatus> parse_finish_status(std::string_view word) {
    return parse_word(word, "finish_status", finish_statuses);
}

}  // namespace scheduler
