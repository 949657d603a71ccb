/// schedulerd --restore: what it refuses, and that it leaves none or all of it.

#include "daemon/restore.hpp"

#include <catch2/catch.hpp>

#include "daemon/base/random.hpp"
#include "daemon/state_dir.hpp"
#include "daemon/store/sqlite/database_mark.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using test::TempDir;

struct RestoreFixture {
    RestoreFixture() {
        ManualExecutor executor{clock};
        auto store = SqliteStore::open({dir / "original", executor, clock, system_random(), {}});
        REQUIRE(store);
        dir.write("backup", "");
        bool is_whole = false;
        (*store)->begin_copy(dir / "backup", [](Result<Done> begun) { REQUIRE(begun); });
        (*store)->copy_slice([&](Result<bool> whole) { is_whole = whole && *whole; });
        executor.run();
        REQUIRE(is_whole);
        options.restore = dir / "backup";
        options.state_dir = dir / "state";
    }
    std::string error() {
        auto done = restore(options, clock);
        REQUIRE_FALSE(done);
        CHECK_FALSE(std::filesystem::exists(dir / "state/schedulerd.db.restoring"));
        return done.error().message;
    }
    bool has_database() const { return std::filesystem::exists(dir / "state/schedulerd.db"); }

    TempDir dir;
    FakeClock clock;
    Options options;
};

}  // namespace

TEST_CASE_METHOD(RestoreFixture, "a restore makes a state directory, and says so", "[restore]") {
    auto done = restore(options, clock);
    REQUIRE(done);
    CHECK(done->find(options.restore + " is restored into " + options.state_dir + ": 0 jobs") == 0);
    CHECK(done->find("It is paused") != std::string::npos);
    CHECK(has_database());
    for (const char* left : {"schedulerd.db.restoring", "schedulerd.db-wal", "schedulerd.db.v1"})
        CHECK_FALSE(std::filesystem::exists(dir / "state" / left));
    auto mode = std::filesystem::status(dir / "state/schedulerd.db").permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK(std::filesystem::exists(dir / "backup"));
}

TEST_CASE_METHOD(RestoreFixture, "a restore replaces no database", "[restore]") {
    auto name = GENERATE("schedulerd.db", "schedulerd.db-wal");
    auto file = dir.write(std::string("state/") + name, "mine");
    CHECK(error().find("has a database already, and a restore never replaces one") !=
          std::string::npos);
    CHECK(std::filesystem::file_size(file) == 4);
}

TEST_CASE_METHOD(RestoreFixture,
                 "a restore takes a directory with output, and what a crash left",
                 "[restore]") {
    dir.write("state/logs/66/output", "x");
    dir.write("state/schedulerd.db.restoring", "half of it");
    dir.write("state/schedulerd.db.restoring-wal", "half of it");
    dir.write("state/schedulerd.db.mark", "damaged: a page of a database that was moved away\n");
    REQUIRE(restore(options, clock));
    CHECK(has_database());
    CHECK(std::filesystem::exists(dir / "state/logs/66/output"));
    auto mark = DatabaseMark(dir / "state/schedulerd.db").read();
    REQUIRE(mark);
    CHECK(mark->exists);
    CHECK(mark->damage.empty());
}

TEST_CASE_METHOD(RestoreFixture, "a directory that a daemon uses is refused", "[restore]") {
    auto in_use = StateDir::open(options.state_dir);
    REQUIRE(in_use);
    CHECK(error().find("another schedulerd") != std::string::npos);
    CHECK_FALSE(has_database());
}

TEST_CASE_METHOD(RestoreFixture, "what is no backup is refused, and nothing is left", "[restore]") {
    std::string expected;
    SECTION("none") {
        options.restore = dir / "nothing";
        expected = "can't be read: No such file";
    }
    SECTION("a directory") {
        options.restore = dir.path().native();
        expected = "is no file";
    }
    SECTION("a database in use") {
        dir.write("backup-wal", "the newest commits");
        expected = "is a database in use, or a copy of one made by hand";
    }
    SECTION("damaged") {
        dir.write("backup", std::string(10000, 'x'));
        expected = "is damaged";
    }
    CHECK(error().find(expected) != std::string::npos);
    CHECK_FALSE(has_database());
}

}  // namespace scheduler
