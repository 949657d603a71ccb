#include "cli/exit_code.hpp"

namespace scheduler {

int exit_code_of(const Job& job) {
    if (!job.finish_status) return exit_no_code;
    switch (*job.finish_status) {
        case FinishStatus::success:
            return exit_done;
        case FinishStatus::failed: {
            // A failed job never exits 0 here, whatever its container did.
            bool fits = job.exit_code && *job.exit_code > 0 && *job.exit_code <= 255;
            return fits ? static_cast<int>(*job.exit_code) : exit_no_code;
        }
        case FinishStatus::timed_out:
            return exit_timed_out;
        case FinishStatus::killed:
            return exit_killed;
        case FinishStatus::did_not_run:
        case FinishStatus::lost:
            return exit_no_code;
    }
    return exit_no_code;
}

}  // namespace scheduler
