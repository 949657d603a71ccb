#pragma once
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// Stores the wish to stop a running job and answers; then come the stop signal, a grace period and
/// KILL. Errors: job_not_found, job_not_running, job_in_history.
struct KillRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "kill";
    JobRef job_id;
    bool now = false;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to stop");
        visit("now", self.now, "without a grace period");
    }
};

}  // namespace scheduler
