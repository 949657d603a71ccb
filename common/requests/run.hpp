#pragma once
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// Makes a scheduled job due now. Errors: job_not_found, job_running, job_in_history.
struct RunRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "run";
    JobRef job_id;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to run now");
    }
};

}  // namespace scheduler
