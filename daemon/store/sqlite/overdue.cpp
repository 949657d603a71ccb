/// What is due: the next job, those that wait though they are due, and their order.

#include "daemon/store/sqlite/database.hpp"
#include "daemon/store/sqlite/groups.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

/// Jobs that are looked at for the first one's wait. More than one are looked at only where dates
/// lie in the past.
constexpr std::int64_t looked_at_max = 1000;

std::int64_t count_due(Database& database, const char* sql, TimePoint now, std::int64_t max) {
    Query query = database.query(sql);
    query.bind(now).bind(max);
    return query.step() ? query.integer(0) : 0;
}

/// A job waits since its due time or, if that is later, its submission. Read in the order of due
/// times, so that what follows a wait's begin can't have begun before.
std::optional<TimePoint> first_wait(Database& database, TimePoint now) {
    std::optional<TimePoint> first;
    for (int ready : {1, 0, 3}) {
        Query query = database.query(
            "SELECT due_at, max(created_at, coalesce(released_at, 0)) FROM job WHERE status = "
            "'scheduled' AND ready = ? AND "
            "due_at <= ? ORDER BY due_at LIMIT ?");
        query.bind(ready).bind(now).bind(looked_at_max);
        while (query.step() && (!first || query.time(0) < *first)) {
            TimePoint since = due_from(query.time(0), query.time(1));
            if (!first || since < *first) first = since;
        }
    }
    return first;
}

std::int64_t count(
    Database& database, const char* sql, TimePoint rank, std::int64_t number, std::int64_t max) {
    Query query = database.query(sql);
    query.bind(rank).bind(number).bind(max);
    return query.step() ? query.integer(0) : 0;
}

/// Those of its group that are let in before it.
std::int64_t count_in_line(Database& database,
                           const std::string& group,
                           const Job& job,
                           std::int64_t max) {
    Query query = database.query(
        "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_in_line WHERE status = 'scheduled' "
        "AND ready = 3 AND group_name = ? AND (rank, number) < (?, ?) LIMIT ?)");
    query.bind(group).bind(rank_of(job.due_at.at, job.spec.value_or(JobSpec())));
    query.bind(job.number).bind(max);
    return query.step() ? query.integer(0) : 0;
}

}  // namespace

Result<std::optional<TimePoint>> SqliteStore::next_due() {
    return readers_.run([&](Database& database) -> Result<std::optional<TimePoint>> {
        Query query = database.query(
            "SELECT min(due_at) FROM (SELECT * FROM (SELECT due_at FROM job WHERE status = "
            "'scheduled' AND ready = 1 "
            "ORDER BY due_at LIMIT 1) UNION ALL SELECT * FROM (SELECT due_at FROM job WHERE status "
            "= 'scheduled' AND "
            "ready = 0 ORDER BY due_at LIMIT 1))");
        return query.step() ? query.optional_time(0) : std::nullopt;
    });
}

Result<Overdue> SqliteStore::overdue(TimePoint now, std::int64_t max) {
    return readers_.run([&](Database& database) -> Result<Overdue> {
        std::int64_t in_line =
            count_due(database,
                      "SELECT count(*) FROM (SELECT 1 FROM job WHERE status = 'scheduled' AND "
                      "ready = 3 AND due_at <= ? LIMIT ?)",
                      now,
                      max);
        std::int64_t next =
            count_due(database,
                      "SELECT count(*) FROM (SELECT 1 FROM job WHERE status = 'scheduled' AND "
                      "ready IN (0, 1) AND due_at <= ? LIMIT ?)",
                      now,
                      max - in_line);
        return Overdue{in_line + next, first_wait(database, now), in_line};
    });
}

/// In the order of the claim. What came due since the last one is not ready yet; it is counted by
/// its due time alone, whatever its priority.
Result<std::int64_t> SqliteStore::count_before(const Job& job, std::int64_t max) {
    return readers_.run([&](Database& database) -> Result<std::int64_t> {
        std::int64_t in_line = 0;
        Query line = database.query("SELECT group_name FROM job WHERE number = ? AND ready = 3");
        line.bind(job.number);
        if (line.step()) {
            std::string group = line.text(0);
            in_line = count_in_line(database, group, job, max);
            if (room_of(database, group, clock_.now()).room <= 0) return in_line;
        }
        std::int64_t ready =
            in_line +
            count(database,
                  "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_ready WHERE status = "
                  "'scheduled' AND ready = 1 AND held = 0 AND (rank, number) < (?, ?) LIMIT ?)",
                  rank_of(job.due_at.at, job.spec.value_or(JobSpec())),
                  job.number,
                  max - in_line);
        return ready + count(database,
                             "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_scheduled "
                             "WHERE status = 'scheduled' AND ready = 0 AND (due_at, number) < (?, "
                             "?) LIMIT ?)",
                             job.due_at.at,
                             job.number,
                             max - ready);
    });
}

}  // namespace scheduler
