#pragma once
#include "common/job.hpp"

namespace scheduler {

/// One transition of a job, from the store. `from` is absent for a new job. With `reset` there was
/// no transition: it says that events were missed, and holds `seq` alone.
struct JobEvent {
    std::int64_t seq = 0;  ///< grows by commit order
    JobId job_id;
    std::int64_t number = 0;
    std::string job_name;
    Instant at;
    std::optional<JobStatus> from;
    std::optional<JobStatus> to;
    std::optional<FinishStatus> finish_status;
    std::optional<std::string> reason;
    bool reset = false;

    static void fields(auto& self, auto& visit) {
        visit("seq", self.seq, "grows by commit order");
        visit.unless_empty(
            "job_id", self.job_id, "the job; this and what follows is absent in a reset");
        visit.unless_empty("number", self.number, "the job's number");
        visit.unless_empty("job_name", self.job_name, "the job's name");
        visit.unless_empty("at", self.at, "when it happened");
        visit("from", self.from, "the status before; absent for a new job");
        visit("to", self.to, "the status after");
        visit("finish_status", self.finish_status, "how it ended");
        visit("reason", self.reason, "why, in words");
        visit("reset", self.reset, "events before this one are no longer kept");
    }
};

/// Streams transitions from now on, or after `after_seq`. Errors: job_not_found, busy.
struct SubscribeRequest {
    using Item = JobEvent;
    static constexpr std::string_view method = "subscribe";

    std::optional<JobRef> job_id;
    std::optional<std::int64_t> after_seq;
    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "only of this job");
        visit("after_seq", self.after_seq, "resume after this event");
    }
};

}  // namespace scheduler
