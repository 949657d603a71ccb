/// What is due: the next job, those that wait though they are due, and their order.

#include "daemon/store/sqlite/database.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

/// Jobs that are looked at for the first one's wait. More than one are looked at only where dates
/// lie in the past.
constexpr std::int64_t looked_at_max = 1000;

std::int64_t count_due(Database& database, TimePoint now, std::int64_t max) {
    Query query = database.query(
        "SELECT count(*) FROM (SELECT 1 FROM job WHERE status = 'scheduled' AND ready IN (0, 1) "
        "AND due_at <= ? LIMIT ?)");
    query.bind(now).bind(max);
    return query.step() ? query.integer(0) : 0;
}

/// A job waits since its due time or, if that is later, its submission. Read in the order of due
/// times, so that what follows a wait's begin can't have begun before.
std::optional<TimePoint> first_wait(Database& database, TimePoint now) {
    std::optional<TimePoint> first;
    for (int ready : {1, 0}) {
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
        return Overdue{count_due(database, now, max), first_wait(database, now)};
    });
}

/// In the order of the claim. What came due since the last one is not ready yet; it is counted by
/// its due time alone, whatever its priority.
Result<std::int64_t> SqliteStore::count_before(const Job& job, std::int64_t max) {
    return readers_.run([&](Database& database) -> Result<std::int64_t> {
        std::int64_t ready =
            count(database,
                  "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_ready WHERE status = "
                  "'scheduled' AND ready = 1 AND held = 0 AND (rank, number) < (?, ?) LIMIT ?)",
                  rank_of(job.due_at.at, job.spec.value_or(JobSpec())),
                  job.number,
                  max);
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
