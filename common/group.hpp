#pragma once
/// Groups: names that jobs give themselves, with a limit of their own on how many run at once. A
/// group needs no other step: one that was never set has no limit. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/time.hpp"

namespace scheduler {

/// Named limits, each tested at n and n + 1.
struct GroupLimits {
    static constexpr std::int64_t groups = 1000;  ///< that are stored: each claim may look at all
    static constexpr std::int64_t running_max = 1'000'000;
};

struct Group {
    std::string name;
    std::optional<std::int64_t> max_running;
    bool paused = false;
    std::optional<Instant> paused_until;
    std::int64_t running = 0;
    std::int64_t waiting = 0;
    Instant updated_at;
    std::string updated_by;  ///< as `submitted_by` of a job

    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "what `group` of a job says");
        visit("max_running", self.max_running, "jobs of it at once; absent: no limit");
        visit.with_default("paused", self.paused, "none of it is started");
        visit("paused_until", self.paused_until, "when it resumes by itself");
        visit.with_default("running", self.running, "jobs of it that run");
        visit.with_default(
            "waiting", self.waiting, "jobs of it that are due and not started, counted to 1000");
        visit("updated_at", self.updated_at, "when it was set, RFC 3339, UTC");
        visit("updated_by", self.updated_by, "uid:N, token:NAME or http");
    }
};

Error group_not_found(std::string_view name);

}  // namespace scheduler
