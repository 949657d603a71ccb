#pragma once
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// Keeps a scheduled job from starting until `release`, or `run`. Errors: job_not_found,
/// job_running, job_in_history.
struct HoldRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "hold";
    JobRef job_id;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to hold back");
    }
};

/// Lets a held job go; one that is due by now is started at once. Errors: as above.
struct ReleaseRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "release";
    JobRef job_id;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to let go");
    }
};

}  // namespace scheduler
