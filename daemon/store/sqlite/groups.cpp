#include "daemon/store/sqlite/groups.hpp"

#include <limits>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/snapshot.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

/// Jobs in line are counted up to here.
constexpr std::int64_t waiting_max = 1000;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

std::int64_t count_running(Database& database, const std::string& group) {
    Query query = database.query(
        "SELECT count(*) FROM job INDEXED BY job_group_running WHERE status = 'running' AND "
        "group_name = ?");
    query.bind(group);
    return query.step() ? query.integer(0) : 0;
}

std::int64_t count_waiting(Database& database, const std::string& group, TimePoint now) {
    Query query = database.query(
        "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_group_due WHERE status = "
        "'scheduled' AND group_name = ? AND ready IN (0, 1, 3) AND due_at <= ? LIMIT ?)");
    query.bind(group).bind(now).bind(waiting_max);
    return query.step() ? query.integer(0) : 0;
}

#define SCHEDULER_GROUP_COLUMNS "name, max_running, paused, paused_until, updated_at, updated_by"

/// As the row says, also of a pause whose time is over.
Group group_from(const Query& row) {
    Group group;
    group.name = row.text(0);
    group.max_running = row.optional_integer(1);
    group.paused = row.integer(2) != 0;
    if (auto until = row.optional_time(3)) group.paused_until = Instant{*until};
    group.updated_at.at = row.time(4);
    group.updated_by = row.text(5);
    return group;
}

void count_jobs(Database& database, Group& group, TimePoint now) {
    if (group.paused_until && group.paused_until->at <= now) {
        group.paused = false;
        group.paused_until.reset();
    }
    group.running = count_running(database, group.name);
    group.waiting = count_waiting(database, group.name, now);
}

std::optional<Group> find_group(Database& database, const std::string& name) {
    Query query =
        database.query("SELECT " SCHEDULER_GROUP_COLUMNS " FROM job_group WHERE name = ?");
    query.bind(name);
    return query.step() ? std::optional(group_from(query)) : std::nullopt;
}

GroupRoom room_from(Database& database, const Group& group, TimePoint now) {
    GroupRoom room{group.name, no_limit};
    if (mutated("ignores_groups")) return room;
    room.is_paused = group.paused && (!group.paused_until || now < group.paused_until->at);
    if (room.is_paused) {
        room.room = 0;
        if (group.paused_until) room.paused_until = group.paused_until->at;
    } else if (group.max_running) {
        room.room = *group.max_running - count_running(database, group.name);
    }
    return room;
}

/// Jobs of it that are due go into its line, or out of it.
void move_due(Database& database, const std::string& group, int from, int to) {
    database
        .query(
            "UPDATE job SET ready = ?1 WHERE number IN (SELECT number FROM job INDEXED BY "
            "job_group_due WHERE status = 'scheduled' AND group_name = ?3 AND ready = ?2)")
        .bind(to)
        .bind(from)
        .bind(group)
        .run();
}

void keep(Database& database, const Group& group) {
    database
        .query("INSERT INTO job_group(" SCHEDULER_GROUP_COLUMNS
               ") VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(name) DO UPDATE SET max_running = ?2, "
               "paused = ?3, paused_until = ?4, updated_at = ?5, updated_by = ?6")
        .bind(group.name)
        .bind(group.max_running)
        .bind(group.paused ? 1 : 0)
        .bind(group.paused_until ? std::optional(group.paused_until->at) : std::nullopt)
        .bind(group.updated_at.at)
        .bind(group.updated_by)
        .run();
}

Result<Done> check_count(Database& database) {
    Query query = database.query("SELECT count(*) FROM job_group");
    if (!query.step() || query.integer(0) < GroupLimits::groups) return Done{};
    return fail(
        ErrorCode::too_large,
        fmt::format("there are {} groups, which is the most; remove some", GroupLimits::groups));
}

Result<Group> set_row(Database& database, const std::string& name, const GroupEdit& edit) {
    auto group = find_group(database, name);
    if (!group && edit.must_exist) return fail(group_not_found(name));
    if (!group) {
        if (auto ok = check_count(database); !ok) return fail(ok.error());
        group.emplace().name = name;
        move_due(database, name, 1, 3);
    }
    if (edit.max_running) group->max_running = *edit.max_running;
    if (edit.pause) {
        group->paused = edit.pause->is_paused;
        group->paused_until.reset();
        if (edit.pause->until) group->paused_until = Instant{*edit.pause->until};
    }
    group->updated_at.at = edit.at;
    group->updated_by = edit.by;
    keep(database, *group);
    count_jobs(database, *group, edit.at);
    return *std::move(group);
}

}  // namespace

bool has_groups(Database& database) {
    return database.query("SELECT 1 FROM job_group LIMIT 1").step();
}

GroupRoom room_of(Database& database, const std::string& group, TimePoint now) {
    auto found = find_group(database, group);
    return found ? room_from(database, *found, now) : GroupRoom{group, no_limit};
}

std::vector<GroupRoom> rooms_in_demand(Database& database, TimePoint now) {
    std::vector<Group> groups;
    {
        Query query = database.query(
            "SELECT " SCHEDULER_GROUP_COLUMNS
            " FROM job_group WHERE EXISTS (SELECT 1 FROM job INDEXED BY job_in_line WHERE status = "
            "'scheduled' AND ready = 3 AND group_name = job_group.name)");
        while (query.step())
            groups.push_back(group_from(query));
    }
    std::vector<GroupRoom> rooms;
    for (const Group& group : groups)
        rooms.push_back(room_from(database, group, now));
    return rooms;
}

void SqliteStore::set_group(std::string name, GroupEdit edit, Reply<Group> reply) {
    writer_.submit<Group>(
        [this, name = std::move(name), edit = std::move(edit)](WriteContext& context) {
            groups_.may_exist = true;
            return set_row(context.database, name, edit);
        },
        std::move(reply));
}

void SqliteStore::remove_group(std::string name, Reply<Done> reply) {
    writer_.submit<Done>(
        [this, name = std::move(name)](WriteContext& context) -> Result<Done> {
            context.database.query("DELETE FROM job_group WHERE name = ?").bind(name).run();
            if (context.database.changes() == 0) return fail(group_not_found(name));
            move_due(context.database, name, 3, 1);
            // What waited for it may be claimed now, and is told why it was late.
            if (auto full = groups_.full.find(name); full != groups_.full.end())
                full->second = {clock_.now(), full->second.was_paused, false};
            return Done{};
        },
        std::move(reply));
}

Result<std::optional<Group>> SqliteStore::group(const std::string& name) {
    return readers_.run([&](Database& database) -> Result<std::optional<Group>> {
        auto group = find_group(database, name);
        if (group) count_jobs(database, *group, clock_.now());
        return group;
    });
}

Result<GroupPage> SqliteStore::groups(const std::string& after, std::int64_t limit) {
    return readers_.run([&](Database& database) -> Result<GroupPage> {
        GroupPage page;
        Snapshot snapshot(database);
        {
            Query query = database.query("SELECT " SCHEDULER_GROUP_COLUMNS
                                         " FROM job_group WHERE name > ? ORDER BY name LIMIT ?");
            query.bind(after).bind(limit + 1);
            while (query.step())
                page.groups.push_back(group_from(query));
        }
        page.has_more = static_cast<std::int64_t>(page.groups.size()) > limit;
        if (page.has_more) page.groups.pop_back();
        for (Group& group : page.groups)
            count_jobs(database, group, clock_.now());
        return page;
    });
}

}  // namespace scheduler
