#pragma once
#include "common/job.hpp"

namespace scheduler {

struct WhyResponse {
    std::string message;
    Job job;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "what it waits for, why it was late, or why it ended so");
        visit("job", self.job, "the job");
    }
};

/// Says in a sentence what a job waits for, why it was late, or why it ended so. Errors:
/// job_not_found.
struct WhyRequest {
    using Response = WhyResponse;
    static constexpr std::string_view method = "why";
    JobRef job_id;
    static void fields(auto& self, auto& visit) { visit("job_id", self.job_id, "the job"); }
};

}  // namespace scheduler
