/// The log of writes is copied into the database beside the commits, and stays short.

#include <catch2/catch.hpp>

#include "daemon/base/random.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

constexpr std::uintmax_t page = 4096 + 24;  ///< with the header of its frame in the log

struct CheckpointFixture {
    explicit CheckpointFixture(CheckpointLimits limits) {
        auto opened = SqliteStore::open({dir / "db",
                                         commits,
                                         clock,
                                         system_random(),
                                         {},
                                         {},
                                         {},
                                         nullptr,
                                         &checkpoints,
                                         limits});
        REQUIRE(opened);
        store = std::move(*opened);
    }
    void add() {
        NewJob job{"alpine", {}, clock.now(), clock.now() + 1h, {}, {}, "uid:1"};
        store->insert({job}, [](const Result<std::vector<AddedJob>>& added) { REQUIRE(added); });
        commits.run();
        ++jobs;
    }
    /// Both executors until neither has anything to do.
    void settle() {
        checkpoints.run();
        commits.run();
    }
    /// The log's pages, which it keeps when it begins anew.
    [[nodiscard]] std::uintmax_t log_pages() const {
        return std::filesystem::file_size(dir / "db-wal") / page;
    }
    [[nodiscard]] std::uintmax_t database_pages() const {
        return std::filesystem::file_size(dir / "db") / 4096;
    }

    test::TempDir dir;
    FakeClock clock;
    ManualExecutor commits{clock};
    ManualExecutor checkpoints{clock};
    std::unique_ptr<SqliteStore> store;
    int jobs = 0;
};

/// A reader that still looks at the database as it is now.
struct OldState {
    explicit OldState(const std::filesystem::path& path) : database(path, Database::Mode::reader) {
        database.exec("BEGIN");
        Query query = database.query("SELECT count(*) FROM job");
        REQUIRE(query.step());
    }
    void end() { database.exec("COMMIT"); }

    Database database;
};

/// A writer alone, whose tables are the test's own.
struct BareWriter {
    explicit BareWriter(CheckpointLimits limits)
        : copies(dir / "db", checkpoints, writer, limits) {}
    /// Whether it was committed.
    bool write(const char* sql) {
        bool is_done = false;
        writer.submit<Done>(
            [sql](WriteContext& context) -> Result<Done> {
                context.database.exec(sql);
                return Done{};
            },
            [&](const Result<Done>& done) { is_done = done.has_value(); });
        commits.run();
        return is_done;
    }

    test::TempDir dir;
    FakeClock clock;
    ManualExecutor commits{clock};
    ManualExecutor checkpoints{clock};
    Writer writer{
        std::make_unique<Database>(dir / "db", Database::Mode::writer), commits, Writer::OnFatal()};
    Checkpoints copies;
};

}  // namespace

TEST_CASE("a pass and the writer copy the log, and it begins anew", "[store][checkpoints]") {
    CheckpointFixture world({40, 20, 1'000'000});
    for (int i = 0; i < 500; ++i) {
        world.add();
        // The pass is late, as on a thread of its own.
        if (i % 2 == 0) world.settle();
    }
    // Some 4,500 pages were written.
    CHECK(world.log_pages() < 120);
    CHECK(world.store->counts()->at("scheduled") == world.jobs);
}

TEST_CASE("a pass begins at n pages, not at n - 1", "[store][checkpoints]") {
    CheckpointFixture measure({1'000'000, 0, 1'000'000});
    measure.add();
    auto before = static_cast<int>(measure.log_pages());
    measure.add();
    auto pages = static_cast<int>(measure.log_pages());
    REQUIRE(pages > before);
    for (int begin : {pages, pages + 1}) {
        CheckpointFixture world({begin, 0, 1'000'000});
        world.add();
        world.add();
        auto size = world.database_pages();
        world.settle();
        CHECK((world.database_pages() > size) == (begin == pages));
    }
}

TEST_CASE("what a pass leaves is copied by the writer up to n pages", "[store][checkpoints]") {
    for (int finish : {1000, 0}) {
        CheckpointFixture world({100, finish, 1'000'000});  // more than a new database has
        world.add();
        OldState reader(world.dir / "db");  // a pass gets no further than that
        while (world.checkpoints.is_idle())
            world.add();
        world.checkpoints.run();
        reader.end();
        world.commits.run();
        auto pages = world.log_pages();
        world.add();
        // Begun anew, the log does not grow.
        CHECK((world.log_pages() == pages) == (finish == 1000));
    }
}

TEST_CASE("commits copy a log that no pass gets to", "[store][checkpoints]") {
    CheckpointFixture world({40, 20, 200});
    for (int i = 0; i < 500; ++i)
        world.add();
    CHECK(world.log_pages() < 220);
}

TEST_CASE("a reader of an old state does not make passes spin", "[store][checkpoints]") {
    CheckpointFixture world({40, 20, 1'000'000});
    world.add();
    OldState reader(world.dir / "db");
    for (int i = 0; i < 50; ++i) {
        world.add();
        world.settle();
        CHECK(world.checkpoints.is_idle());
    }
    CHECK(world.log_pages() > 200);
    reader.end();
    for (int i = 0; i < 50; ++i) {
        world.add();
        world.settle();
    }
    auto pages = world.log_pages();
    for (int i = 0; i < 50; ++i) {
        world.add();
        world.settle();
    }
    CHECK(world.log_pages() == pages);
}

TEST_CASE("nothing is copied once the disk has failed", "[store][checkpoints]") {
    bool has_failed = GENERATE(false, true);
    BareWriter world({1, 0, 1'000'000});
    REQUIRE(world.write("CREATE TABLE one(n)"));
    REQUIRE_FALSE(world.checkpoints.is_idle());
    auto size = std::filesystem::file_size(world.dir / "db");
    if (has_failed) world.writer.failed_elsewhere(SqliteError(SQLITE_IOERR, "it failed", EIO));
    world.commits.run();
    world.checkpoints.run();
    CHECK((std::filesystem::file_size(world.dir / "db") == size) == has_failed);
    world.commits.run();
}

TEST_CASE("after a full disk the log is copied with the first commit that succeeds",
          "[store][checkpoints]") {
    BareWriter world({1000, 128, 16384});
    REQUIRE(world.write("CREATE TABLE one(n)"));
    CHECK(world.checkpoints.is_idle());
    REQUIRE(world.write("PRAGMA max_page_count = 2"));
    REQUIRE_FALSE(world.write("INSERT INTO one VALUES(zeroblob(9000))"));
    CHECK(world.checkpoints.is_idle());
    REQUIRE(world.write("INSERT INTO one VALUES(1)"));
    REQUIRE_FALSE(world.checkpoints.is_idle());
    world.checkpoints.run();
    world.commits.run();
    REQUIRE(world.write("INSERT INTO one VALUES(2)"));
    CHECK(world.checkpoints.is_idle());
}

}  // namespace scheduler
