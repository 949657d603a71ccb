#include "tests/bench/filler.hpp"

#include <chrono>
#include <random>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include "daemon/base/random.hpp"

namespace scheduler::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* file_name = "schedulerd.db";

struct Templates {
    std::int64_t scheduled = 0;  ///< job.number
    std::int64_t ended = 0;
};

NewJob new_job(TimePoint now, Duration in) {
    JobSpec spec;
    spec.command = {"run", "50", "0"};
    return {"test/busybox:1", spec, now, now + in, {}, {}, "uid:0"};
}

Job insert(OpenStore& store, NewJob job) {
    auto added = store.wait<std::vector<AddedJob>>(
        [&](auto reply) { store->insert({std::move(job)}, std::move(reply)); });
    return added.front().job;
}

/// What the store writes for a job that waits, and for one that ran.
Templates write_templates(const std::filesystem::path& dir) {
    OpenStore store(dir);
    TimePoint now = store.now();
    Templates made;
    Job ran = insert(store, new_job(now - 1s, 0s));
    auto claimed = store.wait<ClaimResult>([&](auto reply) {
        store->claim_due({now, 1, "engine"}, std::move(reply));
    });
    if (claimed.jobs.size() != 1) throw std::runtime_error("the first job was not claimed");
    JobId id = claimed.jobs.front().id;
    (void)store.wait<bool>(
        [&](auto reply) { store->set_container(id, 1, std::string(64, 'c'), std::move(reply)); });
    (void)store.wait<Done>(
        [&](auto reply) { store->set_started(id, 1, now, std::nullopt, std::move(reply)); });
    Outcome outcome;
    outcome.finish = FinishStatus::success;
    outcome.finished_at = now;
    outcome.started_at = now;
    outcome.exit_code = 0;
    (void)store.wait<bool>([&](auto reply) { store->finish(id, 1, outcome, std::move(reply)); });
    made.ended = ran.number;
    made.scheduled = insert(store, new_job(now, 24h)).number;
    return made;
}

/// bench_id(milliseconds, place): a UUIDv7 that grows with both, random at its end.
void make_id(sqlite3_context* context, int, sqlite3_value** arguments) {
    static std::mt19937_64 random(1);
    auto time = static_cast<std::uint64_t>(sqlite3_value_int64(arguments[0]));
    auto place = static_cast<std::uint64_t>(sqlite3_value_int64(arguments[1]));
    constexpr std::uint64_t version = 0x7000, variant = 0x8000'0000'0000'0000;
    std::uint64_t words[] = {time << 16U | version, variant | place << 24U | (random() >> 40U)};
    unsigned char bytes[16];
    for (unsigned i = 0; i < 16; ++i)
        bytes[i] = static_cast<unsigned char>(words[i / 8] >> (56 - 8 * (i % 8)));
    sqlite3_result_blob(context, bytes, sizeof(bytes), SQLITE_TRANSIENT);
}

/// The database as plain SQL. Nothing is synced while it is filled: a crash spoils a benchmark
/// only.
class Sql {
  public:
    explicit Sql(const std::filesystem::path& file) {
        check(sqlite3_open(file.c_str(), &handle_));
        check(sqlite3_create_function(
            handle_, "bench_id", 2, SQLITE_UTF8, nullptr, &make_id, nullptr, nullptr));
        run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
            "PRAGMA cache_size=-400000; BEGIN");
    }
    ~Sql() { sqlite3_close(handle_); }
    Sql(const Sql&) = delete;
    Sql& operator=(const Sql&) = delete;

    void run(const std::string& sql) {
        check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr));
    }
    std::vector<std::string> columns(const std::string& table) {
        std::vector<std::string> names;
        auto add = [](void* list, int, char** values, char**) {
            static_cast<std::vector<std::string>*>(list)->emplace_back(values[0]);
            return 0;
        };
        check(sqlite3_exec(handle_,
                           fmt::format("SELECT name FROM pragma_table_info('{}')", table).c_str(),
                           add,
                           &names,
                           nullptr));
        return names;
    }

  private:
    void check(int code) const {
        if (code != SQLITE_OK)
            throw std::runtime_error(
                fmt::format("can't fill the database: {}", sqlite3_errmsg(handle_)));
    }
    sqlite3* handle_ = nullptr;
};

/// One kind of job, copied `count` times.
struct Copies {
    std::int64_t original = 0;
    std::int64_t first_number = 0;
    std::int64_t count = 0;
    bool all_times = false;  ///< move every time, into the past; else what is ahead alone
};

bool is_time(const std::string& column, const Copies& copies) {
    if (column == "due_at" || column == "rank") return true;
    return copies.all_times && (column.ends_with("_at") || column == "at");
}

std::string moved(const std::string& column, const Copies& copies) {
    return copies.all_times ? fmt::format("t.{} - ({} - i) * 1000", column, copies.count)
                            : fmt::format("t.{} + i * 1000", column);
}

/// What the copy number `i` has in this column.
std::string value_of(const std::string& table, const std::string& column, const Copies& copies) {
    bool is_job = table == "job";
    if (is_job && column == "number") return fmt::format("{} + i", copies.first_number);
    if (is_job && column == "id")
        return fmt::format(
            "bench_id({}, {} + i)",
            copies.all_times ? moved("created_at", copies) : std::string("t.created_at"),
            copies.first_number);
    if (!is_job && column == "job") return fmt::format("{} + i", copies.first_number);
    return is_time(column, copies) ? moved(column, copies) : "t." + column;
}

void copy_rows(Sql& sql, const std::string& table, const char* key, const Copies& copies) {
    sql.run(fmt::format("CREATE TEMP TABLE original AS SELECT * FROM {} WHERE {} = {}",
                        table,
                        key,
                        copies.original));
    std::vector<std::string> names, values;
    for (const std::string& column : sql.columns(table)) {
        if (column == "seq") continue;  // given by SQLite
        names.push_back(column);
        values.push_back(value_of(table, column, copies));
    }
    sql.run(
        fmt::format("INSERT INTO {}({}) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + "
                    "1 FROM n WHERE i + 1 < {}) SELECT {} FROM n CROSS JOIN original t",
                    table,
                    fmt::join(names, ","),
                    copies.count,
                    fmt::join(values, ",")));
    sql.run("DROP TABLE original");
}

void copy_jobs(Sql& sql, const Copies& copies, const char* counter) {
    copy_rows(sql, "job", "number", copies);
    copy_rows(sql, "attempt", "job", copies);
    copy_rows(sql, "event", "job", copies);
    sql.run(fmt::format("UPDATE counter SET n = n + {} WHERE state = '{}'", copies.count, counter));
}

}  // namespace

OpenStore::OpenStore(const std::filesystem::path& state_dir) {
    auto opened =
        SqliteStore::open({state_dir / file_name, *commits_, clock_, system_random(), {}});
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
}

OpenStore::~OpenStore() {
    commits_.reset();
    store_.reset();
}

void fill_state(const std::filesystem::path& dir, std::int64_t jobs) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all);
    Templates templates = write_templates(dir);
    Sql sql(dir / file_name);
    std::int64_t half = jobs / 2 - 1;
    std::int64_t first = templates.scheduled + 1;
    copy_jobs(sql, {templates.ended, first, half, true}, "success");
    copy_jobs(sql, {templates.scheduled, first + half, half, false}, "scheduled");
    sql.run("COMMIT; PRAGMA journal_mode=WAL");
}

}  // namespace scheduler::bench
