#pragma once
#include "common/job.hpp"

namespace scheduler {

/// One job, with its specification. Errors: job_not_found; bad_request for an ambiguous prefix.
struct ShowRequest {
    using Response = Job;
    static constexpr std::string_view method = "show";
    JobRef job_id;
    static void fields(auto& self, auto& visit) { visit("job_id", self.job_id, "the job to show"); }
};

}  // namespace scheduler
