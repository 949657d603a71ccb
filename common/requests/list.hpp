#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/list_place.hpp"

namespace scheduler {

struct ListResponse {
    std::vector<Job> jobs;
    std::optional<ListPlace> next;  ///< pass as `after` for the next page; absent on the last one

    static void fields(auto& self, auto& visit) {
        visit.with_default(
            "jobs", self.jobs, "running, then scheduled by due time, then history newest first");
        visit("next", self.next, "pass as after for the next page; absent on the last one");
    }
};

/// Lists jobs in pages: running, then scheduled by due time, then history newest first.
/// Errors: bad_field, bad_date, job_not_found (an id as `after`).
struct ListRequest {
    using Response = ListResponse;
    static constexpr std::string_view method = "list";
    static constexpr std::int64_t limit_default = 100;
    static constexpr std::int64_t limit_max = 1000;

    std::vector<JobStatus> status;
    std::vector<FinishStatus> finish_status;
    std::optional<std::string> job_name;
    std::optional<std::string> since;
    std::optional<std::string> until;
    std::optional<std::int64_t> limit;
    std::optional<ListPlace> after;

    static void fields(auto& self, auto& visit) {
        visit("status", self.status, "only these: scheduled, running, finished, canceled");
        visit("finish_status", self.finish_status, "only jobs that ended so");
        visit("job_name", self.job_name, "only this name");
        visit("since", self.since, "only jobs that ended, or else are due, at this date or later");
        visit("until", self.until, "only jobs that ended, or else are due, before this date");
        visit("limit", self.limit, "jobs a page, 1 to 1000 (100)");
        visit("after", self.after, "what the page before said is next, or a job's id");
    }
};

}  // namespace scheduler
