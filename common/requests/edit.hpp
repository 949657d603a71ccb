#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"

namespace scheduler {

struct EditResponse {
    std::string message;
    Job job;
    std::optional<std::string> warning;
    std::string zone;  ///< the daemon's time zone, for people

    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("job", self.job, "as it is now");
        visit("warning", self.warning, "what is odd but accepted");
        visit.with_default("zone", self.zone, "the daemon's time zone");
    }
};

/// Changes a scheduled job: when it is due, with at most one of time, date and at; and what it
/// runs. Fields that are given replace what was there, of `env`, `labels` and `tmpfs` entry by
/// entry; an environment value `hidden` stays what it is.
/// Errors: job_not_found, job_running, job_in_history, bad_field, bad_time, bad_date, forbidden.
struct EditRequest {
    using Response = EditResponse;
    static constexpr std::string_view method = "edit";

    JobRef job_id;
    std::optional<std::string> time;
    std::optional<std::string> date;
    std::optional<std::string> at;
    std::optional<std::string> past_date;
    std::vector<std::string> unset;
    JobSpec spec;

    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job to change");
        visit("time", self.time, "due this long from now (30s, 2m, 1h, 4d)");
        visit("date",
              self.date,
              "due at %d-%m-%Y %H:%M:%S in the daemon's zone, or RFC 3339 with an offset");
        visit("at", self.at, "due at a moment in schedctl's forms: 20:00, tomorrow 03:00");
        visit("past_date",
              self.past_date,
              "run or refuse: what a past date gets; the daemon's setting if absent");
        visit("unset", self.unset, "fields of the specification to take away, by name");
        JobSpec::fields(self.spec, visit);
    }
};

}  // namespace scheduler
