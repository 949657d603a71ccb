/// What the store's verbs cost, counted without a clock: statements, steps of SQLite's machine,
/// pages in the log of writes, bytes a row. Each bound is what was measured and a little more; a
/// change that needs more says so here, and why.

#include <catch2/catch.hpp>

#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/statement_count.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using test::StatementCount;
using test::TempDir;

struct Cost {
    std::int64_t statements = 0, steps = 0, pages = 0;
};

/// A store with some jobs in it, whose verbs are measured.
struct CostFixture {
    CostFixture() {
        // The same ids in each run, and with them the same pages.
        auto random = [drawn = std::uint64_t{0}]() mutable { return ++drawn; };
        auto opened = SqliteStore::open({path(), executor, clock, random, {}});
        REQUIRE(opened);
        store = std::move(*opened);
        add(100);
    }
    [[nodiscard]] std::filesystem::path path() const { return dir.path() / "db"; }

    /// Adds that many in one commit.
    std::vector<JobId> add(int many, Duration in = 1h) {
        std::vector<JobId> ids;
        for (int i = 0; i < many; ++i)
            store->insert({job(in)}, [&](Result<std::vector<AddedJob>> added) {
                REQUIRE(added);
                ids.push_back(added->front().job.id);
            });
        executor.run();
        REQUIRE(ids.size() == static_cast<std::size_t>(many));
        return ids;
    }
    [[nodiscard]] NewJob job(Duration in) const {
        JobSpec spec;
        spec.command = {"sh", "-c", "echo hello"};
        spec.env = {{"A", "1"}, {"B", "two"}};
        return {"test/busybox:1", spec, clock.now(), clock.now() + in, {}, {}, "uid:1000"};
    }
    std::vector<RunningJob> claim(int max) {
        std::vector<RunningJob> jobs;
        store->claim_due({clock.now(), max, "engine"}, [&](Result<ClaimResult> claimed) {
            REQUIRE(claimed);
            jobs = std::move(claimed->jobs);
        });
        executor.run();
        return jobs;
    }
    void finish(JobId id) {
        Outcome outcome;
        outcome.finish = FinishStatus::success;
        outcome.exit_code = 0;
        outcome.finished_at = clock.now();
        outcome.started_at = clock.now();
        store->finish(id, 1, outcome, [](Result<bool> done) { REQUIRE(done.value()); });
        executor.run();
    }
    Cost cost_of(const std::function<void()>& act) {
        auto pages = [&] {
            constexpr std::uintmax_t head = 32, frame = 24 + 4096;  // sqlite.org/fileformat2, 4.1
            auto log = path();
            log += "-wal";
            return static_cast<std::int64_t>((std::filesystem::file_size(log) - head) / frame);
        };
        act();  // once before: statements are prepared at their first use
        auto before = pages();
        count.reset();
        act();
        return {count.statements(), count.steps(), pages() - before};
    }

    StatementCount count;
    TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    std::unique_ptr<SqliteStore> store;
};

#define CHECK_COST(cost, most)                         \
    do {                                               \
        const Cost counted = cost, bound = most;       \
        CHECK(counted.statements <= bound.statements); \
        CHECK(counted.steps <= bound.steps);           \
        CHECK(counted.pages <= bound.pages);           \
    } while (false)

TEST_CASE_METHOD(CostFixture, "what a write costs", "[store][cost]") {
    // BEGIN, job, event, a counter, COMMIT.
    CHECK_COST(cost_of([&] { add(1); }), (Cost{5, 250, 9}));
    // Together they share the transaction, the counters and most pages.
    CHECK_COST(cost_of([&] { add(256); }), (Cost{515, 55'000, 48}));
    auto ids = add(4, 0s);
    CHECK_COST(cost_of([&] { (void)claim(1); }), (Cost{11, 420, 11}));
    std::size_t next = 0;
    CHECK_COST(cost_of([&] { finish(ids[next++]); }), (Cost{7, 385, 13}));
}

TEST_CASE_METHOD(CostFixture, "what a read costs", "[store][cost]") {
    auto id = add(1).front();
    CHECK_COST(cost_of([&] { REQUIRE(store->find({id.to_string()}, "uid:1000")); }),
               (Cost{1, 35, 0}));
    CHECK_COST(cost_of([&] { REQUIRE(store->list({}, {}, 100)); }), (Cost{4, 4'900, 0}));
    CHECK_COST(cost_of([&] { REQUIRE(store->counts()); }), (Cost{1, 15, 0}));
}

TEST_CASE_METHOD(CostFixture, "what a stored job costs", "[store][cost]") {
    auto size = [&] {
        Database database(path(), Database::Mode::reader);
        Query pages = database.query("PRAGMA page_count");
        REQUIRE(pages.step());
        return pages.integer(0) * 4096;
    };
    constexpr int many = 10'000;
    auto before = size();
    for (int i = 0; i < many / 1000; ++i)
        add(1000, 0s);
    auto scheduled_bytes = (size() - before) / many;
    while (!claim(1000).empty()) {
    }
    const auto running = store->running().value();
    for (const RunningJob& job : running)
        store->finish(job.id, 1, {}, [](Result<bool> done) { REQUIRE(done.value()); });
    executor.run();
    auto ended_bytes = (size() - before) / many;
    CHECK(scheduled_bytes <= 360);
    CHECK(ended_bytes <= 600);
}

}  // namespace
}  // namespace scheduler
