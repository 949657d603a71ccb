#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/fields.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"

namespace scheduler {

/// What can be wrong with a promise that was made.
enum class FindingKind : std::uint8_t {
    lost,          ///< a job that nobody brings to its end, or output that is not there
    doubled,       ///< claimed or started more often than it has attempts
    early,         ///< claimed before it was due
    late,          ///< claimed long after it was due, and no reason is recorded
    orphaned,      ///< a container or a file that belongs to no job, or to one that has ended
    inconsistent,  ///< two records of the same thing disagree
};
inline constexpr std::array finding_kinds{FindingKind::lost,
                                          FindingKind::doubled,
                                          FindingKind::early,
                                          FindingKind::late,
                                          FindingKind::orphaned,
                                          FindingKind::inconsistent};

std::string_view to_string(FindingKind kind);

/// One thing that is wrong.
struct Finding {
    std::string kind;  ///< a word of FindingKind; later versions may know more
    std::string message;
    std::optional<JobId> job_id;
    std::optional<std::int64_t> number;
    std::optional<std::string> container_id;
    std::optional<std::string> file;

    static void fields(auto& self, auto& visit) {
        visit("kind", self.kind, "lost, doubled, early, late, orphaned or inconsistent");
        visit("message", self.message, "what is wrong, in a sentence");
        visit("job_id", self.job_id, "the job");
        visit("number", self.number, "the job's number");
        visit("container_id", self.container_id, "the container");
        visit("file", self.file, "the file of output");
    }
};

struct VerifyResponse {
    std::string message;
    bool well = false;
    std::vector<Finding> findings;
    std::map<std::string, std::int64_t> found;
    std::int64_t left_out = 0;
    std::vector<std::string> not_checked;
    std::int64_t jobs_checked = 0;
    std::int64_t containers_checked = 0;
    std::int64_t files_checked = 0;
    std::int64_t late_for_a_reason = 0;

    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "the result in a sentence");
        visit.with_default("well", self.well, "all was checked, and nothing is wrong");
        visit("findings", self.findings, "what is wrong, up to the limit");
        visit("found", self.found, "how many of each kind, those left out included");
        visit.with_default("left_out", self.left_out, "findings over the limit");
        visit("not_checked", self.not_checked, "what could not be checked, and why");
        visit.with_default("jobs_checked", self.jobs_checked, "jobs that were looked at");
        visit.with_default("containers_checked",
                           self.containers_checked,
                           "containers of this daemon that the engine has");
        visit.with_default("files_checked", self.files_checked, "files of output");
        visit.with_default("late_for_a_reason",
                           self.late_for_a_reason,
                           "jobs that were late for a reason that is recorded; no findings");
    }
};

/// Compares store, containers and output on disk, and reports what was lost, doubled, early, late
/// or orphaned. Changes nothing, and takes as long as there is history.
/// Errors: bad_field, bad_date, busy (at_once_max are under way), unavailable.
struct VerifyRequest {
    using Response = VerifyResponse;
    static constexpr std::string_view method = "verify";
    static constexpr bool takes_long = true;
    static constexpr std::int64_t limit_default = 100;
    static constexpr std::int64_t limit_max = 1000;
    /// After so many findings no more is looked at.
    static constexpr std::int64_t findings_max = 10'000;
    static constexpr int at_once_max = 2;
    static constexpr Duration late_default = std::chrono::minutes(1);
    /// Claims that are some milliseconds late have no reason recorded.
    static constexpr Duration late_min = std::chrono::seconds(1);

    std::optional<std::string> since;
    std::optional<Span> late;
    std::optional<std::int64_t> limit;
    static void fields(auto& self, auto& visit) {
        visit("since", self.since, "of history only jobs that ended at this date or later");
        visit("late", self.late, "how long after its due time a job is late, 1s or more (1m)");
        visit("limit", self.limit, "findings that are listed, 1 to 1000 (100)");
    }
};

}  // namespace scheduler
