#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/job_spec.hpp"

namespace scheduler {

struct AddResponse {
    std::string message;
    std::optional<JobId> id;  ///< absent for a dry run
    Job job;
    std::optional<std::string> warning;
    bool replayed = false;  ///< a repeat under the same key: this is the first one's job
    std::string zone;       ///< the daemon's time zone, for people

    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("id", self.id, "the new job's id; absent for a dry run");
        visit("job", self.job, "the new job");
        visit("warning", self.warning, "what is odd but accepted, joined by `; `");
        visit("replayed", self.replayed, "true when the key had been used and nothing was added");
        visit.with_default("zone", self.zone, "the daemon's time zone");
    }
};

/// Submits one job. Exactly one of time, date and at says when it is due.
/// Errors: bad_field, bad_time, bad_date, too_large, forbidden, key_reused, busy, disk_full.
struct AddRequest {
    using Response = AddResponse;
    static constexpr std::string_view method = "add";
    static constexpr std::size_t key_bytes_max = 255;

    std::string job_name;
    std::optional<std::string> time;
    std::optional<std::string> date;
    std::optional<std::string> at;
    std::optional<std::string> past_date;
    std::optional<std::string> key;
    bool dry_run = false;
    std::optional<JobRef> from;
    JobSpec spec;

    static void fields(auto& self, auto& visit) {
        visit("job_name", self.job_name, "image reference or definition name");
        visit("time",
              self.time,
              "due this long from now: a whole number and one unit (30s, 2m, 1h, 4d)");
        visit("date",
              self.date,
              "due at %d-%m-%Y %H:%M:%S in the daemon's zone, or RFC 3339 with an offset");
        visit("at",
              self.at,
              "due at a moment in schedctl's forms: 20:00, tomorrow 03:00, 2027-06-20 20:00");
        visit("past_date",
              self.past_date,
              "run or refuse: what a past date gets; the daemon's setting if absent");
        visit("key", self.key, "idempotency key: a repeat answers with the first one's job");
        visit("dry_run", self.dry_run, "check and answer, but submit nothing");
        visit("from",
              self.from,
              "a job that is repeated: what it ran is run, but for the fields that are given");
        JobSpec::fields(self.spec, visit);
    }
};

struct AddBatchResponse {
    std::vector<AddResponse> jobs;
    static void fields(auto& self, auto& visit) {
        visit.with_default("jobs", self.jobs, "one answer a job, in order");
    }
};

/// Submits several jobs, all or none. On the socket it is `add` with the parameter `jobs`.
/// Errors: those of add, naming the first job at fault.
struct AddBatchRequest {
    using Response = AddBatchResponse;
    static constexpr std::string_view method = "add_batch";
    static constexpr std::size_t jobs_max = 1000;
    /// Distinct images that the engine is asked for, to warn of those that are not here.
    static constexpr std::size_t images_asked_max = 32;

    std::vector<AddRequest> jobs;
    static void fields(auto& self, auto& visit) {
        visit("jobs", self.jobs, "the jobs, at most 1000");
    }
};

}  // namespace scheduler
