#pragma once
#include "common/job.hpp"

namespace scheduler {

/// Answers with the job when it has ended, or as it is at the end of the wait.
/// Errors: job_not_found, bad_field, busy.
struct WaitRequest {
    using Response = Job;
    static constexpr std::string_view method = "wait";
    static constexpr bool takes_long = true;
    static constexpr Duration wait_max = std::chrono::minutes(10);

    JobRef job_id;
    std::optional<Span> timeout;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to wait for");
        visit("timeout", self.timeout, "the longest wait, 10m at most (10m)");
    }
};

}  // namespace scheduler
