#pragma once
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// Takes a scheduled job back. It moves to history as canceled/did_not_run.
/// Errors: job_not_found, job_running, job_in_history.
struct RemoveRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "remove";
    JobRef job_id;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to take back");
    }
};

}  // namespace scheduler
