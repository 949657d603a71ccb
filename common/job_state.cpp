#include "common/job_state.hpp"

#include <string>

namespace scheduler {
namespace {

template <class Enum, std::size_t N>
Result<Enum> parse_word(std::string_view word,
                        std::string_view what,
                        const std::array<Enum, N>& values) {
    std::string allowed;
    for (Enum value : values) {
        if (to_string(value) == word) return value;
        if (!allowed.empty()) allowed += ", ";
        allowed += to_string(value);
    }
    return fail(ErrorCode::bad_field,
                std::string(what) + " \"" + std::string(word.substr(0, 64)) + "\" is not one of " +
                    allowed);
}

}  // namespace

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

Result<JobStatus> parse_job_status(std::string_view word) {
    return parse_word(word, "status", job_statuses);
}

Result<FinishStatus> parse_finish_status(std::string_view word) {
    return parse_word(word, "finish_status", finish_statuses);
}

}  // namespace scheduler
