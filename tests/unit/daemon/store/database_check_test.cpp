/// Damage is told before anything is served from the file. The many shapes of it, with the real
/// daemon, are in tests/faults/damaged_database.py.

#include "daemon/store/sqlite/database_check.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include <catch2/catch.hpp>

#include "daemon/base/random.hpp"
#include "daemon/store/sqlite/database_mark.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "daemon/store/sqlite/table_checks.hpp"
#include "daemon/store/sqlite/wal_evidence.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;

struct CheckedStore {
    Result<Done> open() {
        auto opened = SqliteStore::open({path(),
                                         executor,
                                         clock,
                                         system_random(),
                                         [this](const std::string& why) { fatal = why; },
                                         {},
                                         {},
                                         &executor});
        if (!opened) return fail(opened.error());
        store = std::move(*opened);
        return Done{};
    }
    std::string refusal() {
        auto opened = open();
        return opened ? "" : opened.error().message;
    }
    void add(int count, std::size_t bytes = 100) {
        NewJob job{"alpine", {}, clock.now(), clock.now() + 1h, {}, {}, "uid:1"};
        job.spec.command = std::vector<std::string>{std::string(bytes, 'x')};
        bool is_added = false;
        store->insert(std::vector<NewJob>(static_cast<std::size_t>(count), job),
                      [&](Result<std::vector<AddedJob>> added) { is_added = added.has_value(); });
        executor.run();
        REQUIRE(is_added);
    }
    std::filesystem::path path() const { return dir.path() / "schedulerd.db"; }
    void copy(const char* suffix, const std::filesystem::path& to) const {
        auto from = path();
        from += suffix;
        auto target = to;
        target += suffix;
        std::filesystem::copy_file(from, target);
    }

    test::TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    std::string fatal;
    std::unique_ptr<SqliteStore> store;
};

void overwrite(const std::filesystem::path& file, std::streamoff at, const std::string& bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream << bytes;
}

TEST_CASE_METHOD(CheckedStore, "an emptied or missing database is no new one", "[damage]") {
    REQUIRE(open());
    store.reset();
    std::filesystem::resize_file(path(), 0);
    CHECK_THAT(refusal(), Contains("schedulerd.db is empty, though there was one"));
    std::filesystem::remove(path());
    CHECK_THAT(refusal(), Contains("is missing, though there was one"));
    std::filesystem::remove(DatabaseMark(path()).path());
    CHECK(refusal().empty());
}

TEST_CASE_METHOD(CheckedStore, "a damaged page of a small database ends the start", "[damage]") {
    REQUIRE(open());
    add(50);
    store.reset();
    overwrite(path(), 4 * 4096, std::string(4096, '\0'));
    auto before = std::filesystem::last_write_time(path());
    CHECK_THAT(refusal(), Contains("is damaged: ") && Contains("Restore a backup"));
    CHECK(std::filesystem::last_write_time(path()) == before);
}

TEST_CASE_METHOD(CheckedStore,
                 "what was found is remembered until a check finds none",
                 "[damage]") {
    REQUIRE(open());
    store.reset();
    REQUIRE(DatabaseMark(path()).write("page 7 is\nno page"));
    CHECK_THAT(refusal(), Contains("was found damaged: page 7 is no page."));
    auto checked = check_database(path());
    REQUIRE(checked);
    CHECK_THAT(*checked, Contains("0 jobs in ") && Contains("no damage"));
    CHECK(refusal().empty());
}

TEST_CASE_METHOD(CheckedStore, "a reader that meets damage ends the service", "[damage]") {
    REQUIRE(open());
    add(1);
    store->set_meta("paused_until", "", [](const Result<Done>&) {});
    executor.run();
    {
        Database other(path(), Database::Mode::writer);
        other.exec("UPDATE job SET spec = '{\"image\": 7'");
    }
    auto found = store->find(JobRef{"1"}, "");
    REQUIRE_FALSE(found);
    CHECK(found.error().code == ErrorCode::unavailable);
    executor.run();
    CHECK_THAT(fatal, Contains("a row is damaged"));
    bool is_refused = false;
    store->set_meta("a", "b", [&](const Result<Done>& done) { is_refused = !done; });
    executor.run();
    CHECK(is_refused);
    auto mark = DatabaseMark(path()).read();
    REQUIRE(mark);
    CHECK_THAT(mark->damage, Contains("a row is damaged"));
}

TEST_CASE_METHOD(CheckedStore,
                 "a row that an index lacks is found while it is served",
                 "[damage]") {
    REQUIRE(open());
    add(1200);
    executor.run_for(1s);
    CHECK(fatal.empty());
    {
        Database other(path(), Database::Mode::writer);
        (void)sqlite3_db_config(other.handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
        other.exec("PRAGMA writable_schema=ON");
        // The index is made anew over other rows than its condition says.
        other.exec("DROP INDEX job_scheduled_name");
        other.exec(
            "CREATE INDEX job_scheduled_name ON job(name, due_at, number) WHERE status = "
            "'scheduled' AND number != 700");
        other.exec(
            "UPDATE sqlite_schema SET sql = replace(sql, ' AND number != 700', '') WHERE name = "
            "'job_scheduled_name'");
    }
    store.reset();
    REQUIRE(open());
    executor.run_for(3s);
    CHECK_THAT(fatal, Contains("1 rows of table job are not in its index job_scheduled_name"));
}

TEST_CASE_METHOD(CheckedStore, "every table is looked at, and every index", "[damage]") {
    REQUIRE(open());
    add(3);
    Database database(path(), Database::Mode::reader);
    auto tables = checked_tables(database);
    std::vector<std::string> names;
    for (const CheckedTable& table : tables) {
        names.push_back(table.name);
        check_beginnings(database, table);
        CHECK_FALSE(check_piece(database, table, "", 100));
        for (const auto& index : table.indexes)
            CHECK_FALSE(index.match.empty());
    }
    CHECK(names == std::vector<std::string>{"attempt",
                                            "counter",
                                            "definition",
                                            "event",
                                            "job",
                                            "job_group",
                                            "meta",
                                            "output",
                                            "removal"});
    // In pieces, each row comes once.
    auto job = std::find_if(
        tables.begin(), tables.end(), [](const auto& table) { return table.name == "job"; });
    auto after = check_piece(database, *job, "", 2);
    CHECK(after == "2");
    CHECK_FALSE(check_piece(database, *job, *after, 2));
    CHECK(job->indexes.size() >= 9);
}

TEST_CASE_METHOD(CheckedStore, "commits that the log lacks are missed", "[damage]") {
    REQUIRE(open());
    for (int i = 0; i < 4; ++i)
        add(1);
    auto copied = dir.path() / "copy.db";
    for (const char* suffix : {"", "-wal", "-shm"})
        copy(suffix, copied);
    auto log = copied;
    log += "-wal";
    auto shared = copied;
    shared += "-shm";
    const auto size = std::filesystem::file_size(log);

    CHECK_FALSE(missing_commits(copied));
    SECTION("cut") {
        std::filesystem::resize_file(log, size - 1);
        CHECK_THAT(missing_commits(copied).value_or(""), Contains("whole frames of the"));
        std::filesystem::remove(shared);
        CHECK_FALSE(missing_commits(copied));  // as a power cut may leave it
    }
    SECTION("changed in the middle, with nothing but the log") {
        std::filesystem::remove(shared);
        overwrite(log, 32 + 24 + 100, "changed");
        CHECK_THAT(missing_commits(copied).value_or(""), Contains("frame 1 of copy.db-wal"));
    }
    SECTION("the header changed") {
        overwrite(log, 16, "salt");
        CHECK_THAT(missing_commits(copied).value_or(""), Contains("no readable header"));
    }
    SECTION("gone") {
        std::filesystem::remove(log);
        CHECK_THAT(missing_commits(copied).value_or(""), Contains("no readable header"));
    }
    SECTION("a torn last commit, as a power cut leaves it, is none") {
        std::filesystem::remove(shared);
        overwrite(log, static_cast<std::streamoff>(size) - 4096, "torn");
        CHECK_FALSE(missing_commits(copied));
    }
}

/// Written again in pieces of 1 MiB, a log of more than 128 KiB was a full disk to SQLite: no start
/// after a crash.
TEST_CASE_METHOD(CheckedStore, "a long log that a crash left is taken up", "[damage]") {
    auto [count, bytes] =
        GENERATE(table<int, std::size_t>({{20, 10'000}, {60, 10'000}, {300, 9'000}}));
    REQUIRE(open());
    add(count, bytes);
    auto copied = dir.path() / "copy.db";
    for (const char* suffix : {"", "-wal", "-shm"})
        copy(suffix, copied);
    auto opened = SqliteStore::open({copied, executor, clock, system_random(), {}});
    REQUIRE(opened);
    CHECK((*opened)->find(JobRef{std::to_string(count)}, ""));
}

TEST_CASE("what a failure of SQLite means", "[damage]") {
    using Kind = SqliteError::Kind;
    CHECK(SqliteError(SQLITE_FULL, "").kind() == Kind::disk_full);
    CHECK(SqliteError(SQLITE_IOERR_SHMSIZE, "", ENOSPC).kind() == Kind::disk_full);
    CHECK(SqliteError(SQLITE_IOERR_WRITE, "", EDQUOT).kind() == Kind::disk_full);
    CHECK(SqliteError(SQLITE_IOERR_FSYNC, "", ENOSPC).kind() == Kind::io);
    CHECK(SqliteError(SQLITE_IOERR_WRITE, "", EIO).kind() == Kind::io);
    CHECK(SqliteError(SQLITE_IOERR_NOMEM, "").kind() == Kind::other);
    CHECK(SqliteError(SQLITE_CORRUPT_INDEX, "").kind() == Kind::damage);
    CHECK(SqliteError(SQLITE_NOTADB, "").kind() == Kind::damage);
    CHECK(SqliteError(SQLITE_READONLY_DBMOVED, "").is_fatal());
    CHECK_FALSE(SqliteError(SQLITE_BUSY_SNAPSHOT, "").is_fatal());
}

}  // namespace
}  // namespace scheduler
