#pragma once
/// Survey: what the engine has of our jobs, and what the dispatcher knows of them, at one moment.
/// For `verify`, which compares it with the store. A value.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

struct Survey {
    std::string unreachable;  ///< why the engine could not be asked; empty: `containers` is all
    std::string engine_id;    ///< of the engine that was asked
    std::vector<ContainerSummary> containers;       ///< with the label of our instance
    std::unordered_set<std::string> container_ids;  ///< of `containers`
    std::unordered_set<JobId> in_care;              ///< jobs that a run is bringing to their end
    bool has_free_slot = false;
    std::uint64_t claims = 0;                        ///< jobs claimed since the daemon's start
    std::optional<TimePoint> last_claimed_due = {};  ///< the latest due time in the last claim
};

}  // namespace scheduler
