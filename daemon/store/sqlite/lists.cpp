/// Keyed pages: running by claim, scheduled by due time, history newest first. Each section is read
/// by an index from the place where the last page ended, so a page costs the same at any depth.

#include <algorithm>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/snapshot.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

enum Section { running_section = 0, scheduled_section = 1, history_section = 2, section_count = 3 };

struct ListedJob {
    Job job;
    ListPosition position;
};

bool wants(const ListFilter& filter, int section) {
    auto has = [&](JobStatus status) {
        return filter.status.empty() ||
               std::find(filter.status.begin(), filter.status.end(), status) != filter.status.end();
    };
    switch (section) {
        case running_section:
            return filter.finish_status.empty() && has(JobStatus::running);
        case scheduled_section:
            return filter.finish_status.empty() && has(JobStatus::scheduled);
        default:
            return has(JobStatus::finished) || has(JobStatus::canceled);
    }
}

/// The ends that the filter lets through; empty: all of them (one scan of the index by time).
std::vector<FinishStatus> wanted_ends(const ListFilter& filter) {
    std::vector<FinishStatus> ends;
    for (FinishStatus finish : finish_statuses) {
        bool by_finish =
            filter.finish_status.empty() ||
            std::find(filter.finish_status.begin(), filter.finish_status.end(), finish) !=
                filter.finish_status.end();
        bool by_status = filter.status.empty() ||
                         std::find(filter.status.begin(), filter.status.end(), status_of(finish)) !=
                             filter.status.end();
        if (by_finish && by_status) ends.push_back(finish);
    }
    return ends;
}

/// The part of an index that a page reads: what lies between two places, both not counted.
/// `since`, `until` and the place where the last page ended are folded into it, so that no row is
/// visited only to be passed over.
struct Range {
    using Place = std::pair<std::int64_t, std::int64_t>;  ///< key, number
    static constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

    Place from{least, least};
    Place to{most, most};

    static Range of(const ListFilter& filter) {
        Range range;
        // Before the first row of that moment, since numbers are positive.
        if (filter.since) range.from = {filter.since->time_since_epoch().count(), least};
        if (filter.until)
            range.to = {filter.until->time_since_epoch().count(),
                        mutated("lists_until_included") ? most : least};
        return range;
    }
    Range& begin_after(const std::optional<ListPosition>& place) {
        if (place) from = std::max(from, {place->key, place->number});
        return *this;
    }
    Range& end_before(const std::optional<ListPosition>& place) {
        if (place) to = std::min(to, {place->key, place->number});
        return *this;
    }
};

/// ?1 to ?4 of every list; ?5 is its limit.
#define SCHEDULER_WITHIN(key) "(" key ", number) > (?1, ?2) AND (" key ", number) < (?3, ?4) "
void bind_page(Query& query, const Range& range, std::int64_t limit) {
    query.bind(range.from.first).bind(range.from.second);
    query.bind(range.to.first).bind(range.to.second).bind(limit);
}

std::vector<ListedJob> read_rows(Query query, int section, int key_column) {
    std::vector<ListedJob> rows;
    while (query.step()) {
        Job job = job_from(query);
        ListPosition position{section, query.integer(key_column), job.number};
        rows.push_back({std::move(job), position});
    }
    return rows;
}

/// Jobs that run are few (--max-running), so that a filter may pass over some of them.
std::vector<ListedJob> list_running(Database& database,
                                    const ListFilter& filter,
                                    const std::optional<ListPosition>& after,
                                    std::int64_t limit) {
    Query query = database.query(
        "SELECT " SCHEDULER_JOB_COLUMNS
        ", claimed_at FROM job INDEXED BY job_running WHERE status = 'running' AND "
        SCHEDULER_WITHIN("claimed_at") "AND (?6 IS NULL OR name = ?6) AND due_at >= ?7 AND "
        "due_at < ?8 ORDER BY claimed_at, number LIMIT ?5");
    Range by_due = Range::of(filter);
    bind_page(query, Range().begin_after(after), limit);
    query.bind(filter.job_name).bind(by_due.from.first).bind(by_due.to.first);
    return read_rows(std::move(query), running_section, job_columns);
}

#define SCHEDULER_SCHEDULED(index, condition)                             \
    "SELECT " SCHEDULER_JOB_COLUMNS ", due_at FROM job INDEXED BY " index \
    " WHERE status = 'scheduled' AND " condition SCHEDULER_WITHIN("due_at")

/// Rows that came due (ready = 1), rows that wait (ready = 0), rows that are held (ready = 2) and
/// rows that wait in line for their group (ready = 3) lie apart in the index: all are read in order
/// and merged by SQLite.
std::vector<ListedJob> list_scheduled(Database& database,
                                      const ListFilter& filter,
                                      const std::optional<ListPosition>& after,
                                      std::int64_t limit) {
    const char* by_time =
        SCHEDULER_SCHEDULED("job_scheduled", "ready = 1 AND ") "UNION ALL " SCHEDULER_SCHEDULED(
            "job_scheduled", "ready = 0 AND ") "UNION ALL " SCHEDULER_SCHEDULED(
            "job_scheduled", "ready = 2 AND ") "UNION ALL " SCHEDULER_SCHEDULED(
            "job_scheduled", "ready = 3 AND ") "ORDER BY due_at, number LIMIT ?5";
    const char* by_name = SCHEDULER_SCHEDULED("job_scheduled_name",
                                              "name = ?6 AND ") "ORDER BY due_at, number LIMIT ?5";
    Query query = database.query(filter.job_name ? by_name : by_time);
    bind_page(query, Range::of(filter).begin_after(after), limit);
    if (filter.job_name) query.bind(*filter.job_name);
    return read_rows(std::move(query), scheduled_section, job_columns);
}

#define SCHEDULER_HISTORY(index, condition)                                    \
    "SELECT " SCHEDULER_JOB_COLUMNS ", finished_at FROM job INDEXED BY " index \
    " WHERE finished_at IS NOT NULL AND " condition SCHEDULER_WITHIN(          \
        "finished_at") "ORDER BY finished_at DESC, number DESC LIMIT ?5"

/// Each filter has an index of its own, of which one range is read.
std::vector<ListedJob> list_ended(Database& database,
                                  const ListFilter& filter,
                                  const std::optional<ListPosition>& after,
                                  std::int64_t limit,
                                  std::optional<FinishStatus> finish) {
    const char* sql = SCHEDULER_HISTORY("job_history", "");
    if (filter.job_name && finish)
        sql = SCHEDULER_HISTORY("job_history_name_finish", "name = ?6 AND finish_status = ?7 AND ");
    else if (filter.job_name)
        sql = SCHEDULER_HISTORY("job_history_name", "name = ?6 AND ");
    else if (finish)
        sql = SCHEDULER_HISTORY("job_history_finish", "finish_status = ?6 AND ");
    Query query = database.query(sql);
    bind_page(query, Range::of(filter).end_before(after), limit);
    if (filter.job_name) query.bind(*filter.job_name);
    if (finish) query.bind(to_string(*finish));
    return read_rows(std::move(query), history_section, job_columns);
}

/// One ordered read for each end that is wanted, merged: never a scan over the others.
std::vector<ListedJob> list_history(Database& database,
                                    const ListFilter& filter,
                                    const std::optional<ListPosition>& after,
                                    std::int64_t limit) {
    auto ends = wanted_ends(filter);
    if (ends.size() == finish_statuses.size())
        return list_ended(database, filter, after, limit, std::nullopt);
    std::vector<ListedJob> rows;
    for (FinishStatus finish : ends) {
        auto more = list_ended(database, filter, after, limit, finish);
        std::move(more.begin(), more.end(), std::back_inserter(rows));
    }
    std::sort(rows.begin(), rows.end(), [](const ListedJob& a, const ListedJob& b) {
        return std::pair(a.position.key, a.position.number) >
               std::pair(b.position.key, b.position.number);
    });
    if (rows.size() > static_cast<std::size_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
    return rows;
}

std::vector<ListedJob> list_section(Database& database,
                                    const ListFilter& filter,
                                    int section,
                                    const std::optional<ListPosition>& after,
                                    std::int64_t limit) {
    switch (section) {
        case running_section:
            return list_running(database, filter, after, limit);
        case scheduled_section:
            return list_scheduled(database, filter, after, limit);
        default:
            return list_history(database, filter, after, limit);
    }
}

ListPage read_page(Database& database,
                   const ListFilter& filter,
                   std::optional<ListPosition> after,
                   std::int64_t limit) {
    ListPage page;
    std::optional<ListPosition> last;
    auto wanted = static_cast<std::size_t>(limit);
    for (int section = after ? after->section : 0; section < section_count; ++section) {
        if (!wants(filter, section)) continue;
        auto place = after && after->section == section ? after : std::nullopt;
        // One row more than fits tells whether a next page exists.
        auto rows = list_section(database,
                                 filter,
                                 section,
                                 place,
                                 limit + 1 - static_cast<std::int64_t>(page.jobs.size()));
        for (ListedJob& row : rows) {
            if (page.jobs.size() == wanted) {
                page.next = last;
                return page;
            }
            last = row.position;
            page.jobs.push_back(std::move(row.job));
        }
    }
    return page;
}

}  // namespace

Result<ListPage> SqliteStore::list(const ListFilter& filter,
                                   std::optional<ListPosition> after,
                                   std::int64_t limit) {
    return readers_.run([&](Database& database) -> Result<ListPage> {
        Snapshot snapshot(database);
        return read_page(database, filter, after, limit);
    });
}

Result<std::optional<std::vector<Job>>> SqliteStore::list_all(const ListFilter& filter,
                                                              std::int64_t jobs_max) {
    return readers_.run([&](Database& database) -> Result<std::optional<std::vector<Job>>> {
        Snapshot snapshot(database);
        ListPage page = read_page(database, filter, std::nullopt, jobs_max);
        if (page.next) return std::optional<std::vector<Job>>();
        return std::optional(std::move(page.jobs));
    });
}

Result<ListPosition> SqliteStore::position_of(JobId id) {
    return readers_.run([&](Database& database) -> Result<ListPosition> {
        Query query = database.query(
            "SELECT number, due_at, claimed_at, finished_at, status FROM job WHERE id = ?");
        query.bind(id);
        if (!query.step())
            return fail(ErrorCode::job_not_found,
                        fmt::format("job with id {} not found", id.to_string()));
        if (!query.is_null(3))
            return ListPosition{history_section, query.integer(3), query.integer(0)};
        if (query.text(4) == "running")
            return ListPosition{running_section, query.integer(2), query.integer(0)};
        return ListPosition{scheduled_section, query.integer(1), query.integer(0)};
    });
}

}  // namespace scheduler
