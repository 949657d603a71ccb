#pragma once
#include <optional>
#include <string>

#include "common/fields.hpp"
#include "common/time.hpp"

namespace scheduler {

struct PruneResponse {
    std::string message;
    std::int64_t jobs = 0;
    std::int64_t outputs = 0;
    std::int64_t output_bytes = 0;
    std::int64_t containers = 0;
    bool dry_run = false;
    std::optional<std::string> warning;

    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("jobs", self.jobs, "jobs that were removed from history");
        visit("outputs", self.outputs, "jobs that are kept, but whose output was removed");
        visit("output_bytes", self.output_bytes, "output of both");
        visit("containers", self.containers, "containers of ended jobs that had been left over");
        visit("dry_run", self.dry_run, "nothing was removed: this is what would be");
        visit("warning", self.warning, "what was left, and why");
    }
};

/// Removes ended jobs with their output, the oldest first: by the limits that are given, else by
/// the daemon's own. Answers when it is done. Errors: bad_field, busy, disk_full, unavailable.
struct PruneRequest {
    using Response = PruneResponse;
    static constexpr std::string_view method = "prune";
    static constexpr bool takes_long = true;

    std::optional<Span> older_than;
    std::optional<std::int64_t> keep;
    std::optional<std::string> log_total;
    bool dry_run = false;

    static void fields(auto& self, auto& visit) {
        visit("older_than", self.older_than, "jobs that ended longer ago than this (7d)");
        visit("keep", self.keep, "all but so many of the jobs that ended last");
        visit("log_total",
              self.log_total,
              "the oldest output, until what is left has this size (1GiB) or less; its jobs stay");
        visit("dry_run", self.dry_run, "remove nothing, but say what would be");
    }
};

}  // namespace scheduler
