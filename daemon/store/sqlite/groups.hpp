#pragma once
/// Groups in the store. A job that is due has `ready` 1, or 3 where its group was set: the claim
/// reads each group's line apart, so that a long one costs it no more than a short one. Who has
/// room is counted each time, and never remembered.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

struct GroupRoom {
    std::string name;
    std::int64_t room = 0;  ///< how many more may run; none or less: it is full, or paused
    bool is_paused = false;
    std::optional<TimePoint> paused_until = {};
};

/// Until when a group had no room while jobs of it were due, by name.
struct SeenFull {
    TimePoint until{};
    bool was_paused = false;
    bool is_full = true;  ///< at the end of the last claim, and so until the next one
};
using FullGroups = std::map<std::string, SeenFull>;

/// What the writer knows of groups besides their rows.
struct GroupMemory {
    bool may_exist = true;  ///< false: none is set, so that a claim need not look
    FullGroups full = {};
};

bool has_groups(Database& database);

/// Of a group that was never set: no limit.
GroupRoom room_of(Database& database, const std::string& group, TimePoint now);

/// Of the groups that have jobs in line.
std::vector<GroupRoom> rooms_in_demand(Database& database, TimePoint now);

}  // namespace scheduler
