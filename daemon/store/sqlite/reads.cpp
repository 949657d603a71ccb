/// The verbs that only read, but for lists.

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/store/sqlite/restored_database.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler {
namespace {

constexpr std::size_t candidates_max = 20;

Failure<Error> not_found(const JobRef& ref) {
    return fail(ErrorCode::job_not_found, fmt::format("job with id {} not found", ref.text));
}

bool is_number(std::string_view text) {
    return text.front() != '0' &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

Result<Job> job_with_spec(Query& query, const JobRef& ref) {
    if (!query.step()) return not_found(ref);
    return whole_job_from(query);
}

Result<Job> find_number(Database& database, const JobRef& ref) {
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(ref.text.data(), ref.text.data() + ref.text.size(), number);
    if (error != std::errc()) return not_found(ref);
    Query query =
        database.query("SELECT " SCHEDULER_JOB_COLUMNS ", spec FROM job WHERE number = ?");
    query.bind(number);
    return job_with_spec(query, ref);
}

Result<Job> find_last(Database& database, const JobRef& ref, const std::string& caller) {
    Query query =
        database.query("SELECT " SCHEDULER_JOB_COLUMNS
                       ", spec FROM job WHERE submitted_by = ? ORDER BY number DESC LIMIT 1");
    query.bind(caller);
    if (auto job = job_with_spec(query, ref)) return job;
    return fail(ErrorCode::job_not_found,
                fmt::format("there is no last job: {} has added none", caller));
}

/// All ids that begin with these digits lie between the prefix filled up with 0 and with f.
Result<Job> find_prefix(Database& database, const JobRef& ref) {
    auto filled = [&](char digit) {
        return JobId(*parse_id_bytes(ref.text + std::string(32 - ref.text.size(), digit)));
    };
    Query query = database.query("SELECT " SCHEDULER_JOB_COLUMNS
                                 ", spec FROM job WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?");
    query.bind(filled('0')).bind(filled('f')).bind(static_cast<std::int64_t>(candidates_max + 1));
    auto first = job_with_spec(query, ref);
    if (!first) return first;
    std::string candidates = fmt::format("{} ({})", first->id.to_string(), first->job_name);
    std::size_t count = 1;
    for (; query.step(); ++count) {
        if (count == candidates_max) {
            candidates += ", …";
            break;
        }
        Job job = job_from(query);
        candidates += fmt::format(", {} ({})", job.id.to_string(), job.job_name);
    }
    if (count == 1) return first;
    return fail(
        ErrorCode::bad_request,
        fmt::format(
            "\"{}\" is ambiguous; give more digits or the number: {}", ref.text, candidates));
}

JobEvent event_from(const Query& row) {
    JobEvent event;
    event.seq = row.integer(0);
    event.job_id = row.job_id(1);
    event.number = row.integer(2);
    event.job_name = row.text(3);
    event.at.at = row.time(4);
    if (auto from = row.optional_text(5)) {
        auto status = parse_job_status(*from);
        if (status) event.from = *status;
    }
    if (auto to = parse_job_status(row.text(6))) event.to = *to;
    event.reason = row.optional_text(7);
    if (auto finish = row.optional_text(8); finish && event.to && has_ended(*event.to)) {
        auto status = parse_finish_status(*finish);
        if (status) event.finish_status = *status;
    }
    return event;
}

std::vector<RunningJob> running_rows(Query query) {
    std::vector<RunningJob> rows;
    while (query.step())
        rows.push_back(running_from(query));
    return rows;
}

Result<std::int64_t> one_integer(ReaderPool& readers, const char* sql) {
    return readers.run([&](Database& database) -> Result<std::int64_t> {
        Query query = database.query(sql);
        return query.step() ? query.integer(0) : 0;
    });
}

}  // namespace

Result<Job> SqliteStore::find(const JobRef& ref, const std::string& caller) {
    return readers_.run([&](Database& database) -> Result<Job> {
        if (ref.text == "last") return find_last(database, ref, caller);
        if (auto id = JobId::parse(ref.text)) {
            Query query =
                database.query("SELECT " SCHEDULER_JOB_COLUMNS ", spec FROM job WHERE id = ?");
            query.bind(*id);
            return job_with_spec(query, ref);
        }
        if (is_number(ref.text)) return find_number(database, ref);
        if (ref.text.size() < 32 && is_hex(ref.text)) return find_prefix(database, ref);
        return not_found(ref);
    });
}

Result<std::vector<RunningJob>> SqliteStore::running() {
    return readers_.run([&](Database& database) -> Result<std::vector<RunningJob>> {
        return running_rows(database.query("SELECT " SCHEDULER_RUNNING_COLUMNS
                                           " FROM job INDEXED BY job_running WHERE status = "
                                           "'running' ORDER BY claimed_at, number"));
    });
}

Result<std::vector<JobEvent>> SqliteStore::events_after(std::int64_t seq,
                                                        std::optional<JobId> job,
                                                        std::int64_t limit) {
    return readers_.run([&](Database& database) -> Result<std::vector<JobEvent>> {
        const char* all =
            "SELECT seq, job.id, number, name, at, from_status, to_status, reason, finish_status "
            "FROM event JOIN job "
            "ON job.number = event.job WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        const char* of_one =
            "SELECT seq, job.id, number, name, at, from_status, to_status, reason, finish_status "
            "FROM event JOIN job "
            "ON job.number = event.job WHERE event.job = (SELECT number FROM job WHERE id = ?3) "
            "AND seq > ?1 "
            "ORDER BY seq LIMIT ?2";
        Query query = database.query(job ? of_one : all);
        query.bind(seq).bind(limit);
        if (job) query.bind(*job);
        std::vector<JobEvent> events;
        while (query.step())
            events.push_back(event_from(query));
        return events;
    });
}

Result<std::int64_t> SqliteStore::last_event() {
    // Numbers go on from the newest event that was removed, if that is all there was.
    return one_integer(readers_,
                       "SELECT max(coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT "
                       "CAST(value AS INTEGER) FROM meta WHERE key = 'events_pruned'), 0))");
}
Result<std::int64_t> SqliteStore::first_event() {
    return one_integer(readers_,
                       "SELECT 1 + coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = "
                       "'events_pruned'), 0)");
}

Result<std::map<std::string, std::int64_t>> SqliteStore::counts() {
    return readers_.run([&](Database& database) -> Result<std::map<std::string, std::int64_t>> {
        std::map<std::string, std::int64_t> counts{{"scheduled", 0}, {"running", 0}};
        for (FinishStatus finish : finish_statuses)
            counts[std::string(to_string(finish))] = 0;
        // The table counts other things too.
        Query query = database.query("SELECT state, n FROM counter");
        while (query.step())
            if (auto known = counts.find(query.text(0)); known != counts.end())
                known->second = query.integer(1);
        return counts;
    });
}

Result<PauseState> SqliteStore::pause_state() {
    auto until = meta("paused_until");
    if (!until) return fail(until.error());
    if (!*until || (*until)->empty()) return PauseState{};
    if (**until == "resume") {
        auto fence = meta(fence_meta);
        if (!fence) return fail(fence.error());
        return PauseState{true, std::nullopt, fence->has_value()};
    }
    auto at = parse_rfc3339(**until);
    if (!at) return PauseState{};
    return PauseState{true, *at};
}

Result<std::optional<std::string>> SqliteStore::meta(const std::string& key) {
    return readers_.run([&](Database& database) -> Result<std::optional<std::string>> {
        Query query = database.query("SELECT value FROM meta WHERE key = ?");
        query.bind(key);
        return query.step() ? std::optional(query.text(0)) : std::nullopt;
    });
}

}  // namespace scheduler
