#pragma once
/// The operations on groups.

#include <optional>
#include <string>
#include <vector>

#include "common/group.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

struct GroupResponse {
    std::string message;
    Group group;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
        visit("group", self.group, "as it is now");
    }
};

/// Makes a group, or changes its limit. What runs goes on, also where it is more than the limit.
/// Errors: bad_field, too_large, disk_full.
struct GroupSetRequest {
    using Response = GroupResponse;
    static constexpr std::string_view method = "group_set";
    static constexpr bool is_setting = true;

    std::string name;
    std::optional<std::int64_t> max_running;
    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "the group's name");
        visit("max_running", self.max_running, "jobs of it at once, from 1; absent: no limit");
    }
};

/// One group. Errors: not_found.
struct GroupShowRequest {
    using Response = Group;
    static constexpr std::string_view method = "group_show";
    std::string name;
    static void fields(auto& self, auto& visit) { visit("name", self.name, "the group's name"); }
};

struct GroupListResponse {
    std::vector<Group> groups;
    std::optional<std::string> next;  ///< pass as `after`; absent on the last page
    static void fields(auto& self, auto& visit) {
        visit.with_default("groups", self.groups, "in the order of their names");
        visit("next", self.next, "pass as after for the next page; absent on the last one");
    }
};

/// Lists the groups that were set, in pages, by name. Errors: bad_field.
struct GroupListRequest {
    using Response = GroupListResponse;
    static constexpr std::string_view method = "group_list";
    static constexpr std::int64_t limit_default = 100;
    static constexpr std::int64_t limit_max = 1000;

    std::optional<std::int64_t> limit;
    std::optional<std::string> after;
    static void fields(auto& self, auto& visit) {
        visit("limit", self.limit, "groups a page, 1 to 1000 (100)");
        visit("after", self.after, "the last name of the page before");
    }
};

/// Takes a group's limit and pause away; its jobs stay. Errors: not_found.
struct GroupRemoveRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "group_remove";
    static constexpr bool is_setting = true;
    std::string name;
    static void fields(auto& self, auto& visit) { visit("name", self.name, "the group's name"); }
};

/// Starts none of its jobs until `group_resume` (or for a while); running ones go on. One that was
/// never set is made. Errors: bad_field, bad_time, too_large.
struct GroupPauseRequest {
    using Response = GroupResponse;
    static constexpr std::string_view method = "group_pause";
    static constexpr bool is_setting = true;
    std::string name;
    std::optional<Span> for_time;
    static void fields(auto& self, auto& visit) {
        visit("name", self.name, "the group's name");
        visit("for", self.for_time, "resume by itself after this long");
    }
};

/// Starts its due jobs again. Never fails because it was not paused. Errors: not_found.
struct GroupResumeRequest {
    using Response = GroupResponse;
    static constexpr std::string_view method = "group_resume";
    static constexpr bool is_setting = true;
    std::string name;
    static void fields(auto& self, auto& visit) { visit("name", self.name, "the group's name"); }
};

}  // namespace scheduler
