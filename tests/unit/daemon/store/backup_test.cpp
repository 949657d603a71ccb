/// A copy of the database that is made while it is written, and what a restore makes of one.

#include <fstream>

#include <catch2/catch.hpp>

#include "daemon/base/random.hpp"
#include "daemon/store/sqlite/restored_database.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

struct BackupFixture {
    BackupFixture() { open(dir / "db"); }
    void open(const std::filesystem::path& path) {
        store.reset();
        auto opened = SqliteStore::open({path, executor, clock, system_random(), {}});
        REQUIRE(opened);
        store = std::move(*opened);
    }
    template <class T, class Call>
    Result<T> wait(Call call) {
        std::optional<Result<T>> answer;
        call([&](Result<T> result) { answer.emplace(std::move(result)); });
        executor.run();
        REQUIRE(answer);
        return std::move(*answer);
    }
    Job add(Duration in, std::string name = "alpine", std::optional<std::string> key = {}) {
        NewJob job{
            std::move(name), {}, clock.now(), clock.now() + in, std::move(key), "h", "uid:1"};
        auto added = wait<std::vector<AddedJob>>(
            [&](auto reply) { store->insert({job}, std::move(reply)); });
        REQUIRE(added);
        return added->front().job;
    }
    void add_many(int count) {
        std::vector<NewJob> jobs;
        for (int i = 0; i < count; ++i)
            jobs.push_back(
                {std::string(4000, 'x'), {}, clock.now(), clock.now() + 1h, {}, {}, "uid:1"});
        REQUIRE(wait<std::vector<AddedJob>>(
            [&](auto reply) { store->insert(jobs, std::move(reply)); }));
    }
    Result<Done> begin_copy(const std::filesystem::path& file) {
        return wait<Done>([&](auto reply) { store->begin_copy(file, std::move(reply)); });
    }
    Result<bool> slice() {
        return wait<bool>([&](auto reply) { store->copy_slice(std::move(reply)); });
    }
    /// The number of slices that it took.
    int back_up(const std::filesystem::path& file) {
        std::ofstream(file).close();
        REQUIRE(begin_copy(file));
        for (int slices = 1;; ++slices) {
            auto is_whole = slice();
            REQUIRE(is_whole);
            if (*is_whole) return slices;
        }
    }
    std::vector<RunningJob> claim() {
        auto claimed = wait<ClaimResult>([&](auto reply) {
            store->claim_due({clock.now(), 100, "engine"}, std::move(reply));
        });
        REQUIRE(claimed);
        return claimed->jobs;
    }
    Result<RestoreReport> restored(bool run_missed = false) {
        return make_restored(dir / "copy", dir / "backup", {clock.now(), "new", run_missed});
    }
    /// It ran once, for a moment, and printed so much.
    JobId ran(std::int64_t output_bytes) {
        JobId id = add(0s).id;
        REQUIRE(claim().size() == 1);
        Outcome outcome;
        outcome.finish = FinishStatus::success;
        outcome.started_at = outcome.finished_at = clock.now();
        outcome.exit_code = 0;
        outcome.output_bytes = output_bytes;
        REQUIRE(wait<bool>([&](auto reply) { store->finish(id, 1, outcome, std::move(reply)); }));
        return id;
    }
    PauseChange pause(PauseState state) {
        auto change =
            wait<PauseChange>([&](auto reply) { store->set_pause(state, std::move(reply)); });
        REQUIRE(change);
        return *change;
    }
    Job find(JobId id) {
        auto found = store->find(JobRef{id.to_string()}, "");
        REQUIRE(found);
        return *found;
    }
    std::string meta(const std::string& key) {
        auto value = store->meta(key);
        REQUIRE(value);
        return value->value_or("none");
    }

    test::TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    std::unique_ptr<SqliteStore> store;
};

}  // namespace

TEST_CASE_METHOD(BackupFixture,
                 "what is committed between slices is in the copy",
                 "[store][backup]") {
    add_many(2000);  // 8 MB
    std::ofstream(dir / "copy").close();
    REQUIRE(begin_copy(dir / "copy"));
    int slices = 0;
    std::vector<JobId> added;
    for (;;) {
        auto is_whole = slice();
        REQUIRE(is_whole);
        ++slices;
        if (*is_whole) break;
        added.push_back(add(1h, "between").id);  // one at the end of the file …
        REQUIRE(wait<Done>([&](auto reply) {     // … and one in the pages that are copied already
            store->cancel(added.back(), clock.now(), "removed", std::move(reply));
        }));
        REQUIRE(wait<Done>([&](auto reply) {
            store->set_meta("mark", "m" + std::to_string(slices), std::move(reply));
        }));
    }
    REQUIRE(slices >= 3);
    auto counts = *store->counts();
    std::string mark = meta("mark");
    (void)add(1h, "after");
    open(dir / "copy");
    CHECK(*store->counts() == counts);
    CHECK(meta("mark") == mark);
    for (JobId id : added)
        CHECK(find(id).status == JobStatus::canceled);
    CHECK_FALSE(store->list({}, std::nullopt, 10)->jobs.front().job_name == "after");
    Database database(dir / "copy", Database::Mode::writer);
    Query verdict = database.query("PRAGMA integrity_check");
    REQUIRE(verdict.step());
    CHECK(verdict.text(0) == "ok");
}

TEST_CASE_METHOD(BackupFixture,
                 "a copy that can't be made leaves the store as it is",
                 "[store][backup]") {
    (void)add(1h);
    auto missing = begin_copy(dir / "nowhere/copy");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == ErrorCode::internal);
    CHECK(missing.error().message.find((dir / "nowhere/copy").native()) != std::string::npos);
    CHECK_FALSE(slice());
    CHECK(store->write_trouble().empty());
    (void)add(1h);
    CHECK(back_up(dir / "copy") == 1);
}

// Once a journal lay beside each copy: SQLITE_DBCONFIG_DEFENSIVE keeps journal_mode from being OFF.
TEST_CASE_METHOD(BackupFixture, "nothing lies beside a copy while it is made", "[store][backup]") {
    add_many(2000);
    std::filesystem::create_directory(dir / "backups");
    std::ofstream(dir / "backups/copy").close();
    REQUIRE(begin_copy(dir / "backups/copy"));
    REQUIRE_FALSE(*slice());
    auto files = std::filesystem::directory_iterator(dir / "backups");
    CHECK(std::distance(begin(files), end(files)) == 1);
    while (!*slice()) {
    }
}

TEST_CASE_METHOD(BackupFixture, "another copy ends the one before", "[store][backup]") {
    add_many(2000);
    std::ofstream(dir / "first").close();
    REQUIRE(begin_copy(dir / "first"));
    REQUIRE_FALSE(*slice());
    CHECK(back_up(dir / "copy") > 1);
    open(dir / "copy");
    CHECK(store->counts()->at("scheduled") == 2000);
}

TEST_CASE_METHOD(BackupFixture,
                 "a restored copy runs nothing that the original may have run",
                 "[store][backup]") {
    Job running = add(0s);
    REQUIRE(claim().size() == 1);
    Job overdue = add(1s);
    Job edge = add(10s);
    Job future = add(10s + 1ms);
    REQUIRE(wait<Done>([&](auto reply) { store->set_meta("instance", "old", std::move(reply)); }));
    REQUIRE(wait<Done>([&](auto reply) { store->set_meta("engine_id", "e", std::move(reply)); }));
    (void)back_up(dir / "copy");
    clock.advance(10s);
    auto report = restored();
    REQUIRE(report);
    CHECK(report->jobs == 4);
    CHECK(report->lost == 1);
    CHECK(report->missed == 2);
    CHECK(report->scheduled == 1);
    open(dir / "copy");
    CHECK(find(running.id).finish_status == FinishStatus::lost);
    CHECK(find(running.id).error->find("it was running when the backup was made") == 0);
    for (JobId id : {overdue.id, edge.id}) {
        CHECK(find(id).finish_status == FinishStatus::did_not_run);
        CHECK(find(id).error->find("--run-missed") != std::string::npos);
    }
    CHECK(find(future.id).status == JobStatus::scheduled);
    CHECK(claim().empty());
    CHECK(meta("instance") == "new");
    CHECK(meta("restored_instance") == "old");
    CHECK(meta("engine_id") == "none");
    CHECK(store->pause_state()->paused);
    // Counters, events and attempts are those of ordinary transitions.
    CHECK(*store->counts() == std::map<std::string, std::int64_t>{{"scheduled", 1},
                                                                  {"running", 0},
                                                                  {"success", 0},
                                                                  {"failed", 0},
                                                                  {"did_not_run", 2},
                                                                  {"killed", 0},
                                                                  {"timed_out", 0},
                                                                  {"lost", 1}});
    auto record = store->record(running.id);
    REQUIRE(record);
    CHECK((*record)->attempts.size() == 1);
    CHECK((*record)->transitions.back().to == JobStatus::finished);
}

TEST_CASE_METHOD(BackupFixture,
                 "told so, a restored copy runs what was missed",
                 "[store][backup]") {
    Job overdue = add(1s);
    Job running = add(0s);
    REQUIRE(claim().size() == 1);
    (void)back_up(dir / "copy");
    clock.advance(1h);
    auto report = restored(true);
    REQUIRE(report);
    CHECK(report->missed == 1);
    CHECK(report->lost == 1);
    open(dir / "copy");
    CHECK(find(running.id).finish_status == FinishStatus::lost);
    (void)pause({});
    auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    CHECK(claimed.front().id == overdue.id);
}

TEST_CASE_METHOD(BackupFixture,
                 "a copy that was not resumed is backed up without its fence",
                 "[store][backup]") {
    Job due = add(1h);
    (void)back_up(dir / "copy");
    REQUIRE(restored());
    open(dir / "copy");
    (void)back_up(dir / "second");
    clock.advance(2h);
    REQUIRE(make_restored(dir / "second", dir / "backup", {clock.now(), "third", true}));
    open(dir / "second");
    (void)pause({});
    auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    CHECK(claimed.front().id == due.id);
}

TEST_CASE_METHOD(BackupFixture,
                 "a restored copy gives no id, number or key twice",
                 "[store][backup]") {
    Job last = add(1h, "alpine", "key");
    (void)back_up(dir / "copy");
    Job of_the_original = add(1h);
    auto newest = store->last_event();
    REQUIRE(restored());
    open(dir / "copy");
    CHECK(add(1h, "alpine", "key").id == last.id);  // a repeat
    Job next = add(1h);
    CHECK(next.number == numbers_step + 1);
    CHECK(next.id != of_the_original.id);
    CHECK(next.id > last.id);
    CHECK(*store->last_event() > *newest + 1000);
}

TEST_CASE_METHOD(BackupFixture,
                 "what is no sound backup is refused in a sentence",
                 "[store][backup]") {
    (void)add(1h);
    add_many(50);
    (void)back_up(dir / "copy");
    std::string expected;
    SECTION("a page is overwritten") {
        std::fstream file(dir / "copy", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 3);
        file << std::string(4096, '\x5a');
        expected = "is damaged";
    }
    SECTION("it is cut") {
        std::filesystem::resize_file(dir / "copy", std::filesystem::file_size(dir / "copy") / 2);
        expected = "is damaged";
    }
    SECTION("it is no database") {
        std::ofstream(dir / "copy") << std::string(8192, 'x');
        expected = "is damaged";
    }
    SECTION("it is empty") {
        std::filesystem::resize_file(dir / "copy", 0);
        expected = "is not a database of schedulerd";
    }
    SECTION("it is another program's") {
        std::filesystem::remove(dir / "copy");
        Database other(dir / "copy", Database::Mode::writer);
        other.exec("CREATE TABLE t(a); PRAGMA application_id=7");
        expected = "is not a database of schedulerd";
    }
    SECTION("it is of a newer version") {
        Database newer(dir / "copy", Database::Mode::writer);
        newer.exec("PRAGMA user_version=999");
        expected = "was made by a newer schedulerd (schema 999";
    }
    auto report = restored();
    REQUIRE_FALSE(report);
    INFO(report.error().message);
    CHECK(report.error().message.find((dir / "backup").native()) != std::string::npos);
    CHECK(report.error().message.find(expected) != std::string::npos);
}

TEST_CASE_METHOD(BackupFixture,
                 "a restored copy counts the output that is there as stored",
                 "[store][backup]") {
    JobId kept = ran(100);
    (void)ran(1000);
    (void)ran(0);
    back_up(dir / "backup");
    std::filesystem::copy_file(dir / "backup", dir / "copy");
    RestoreOptions options{clock.now(), "new", false};
    options.has_output = [&](JobId id, int attempts) { return id == kept && attempts == 1; };
    auto report = make_restored(dir / "copy", dir / "backup", options);
    REQUIRE(report);
    CHECK(report->bare == 1);
    open(dir / "copy");
    CHECK(store->history_totals()->output_bytes == 100);
    auto over = store->preview_prune_output({});
    REQUIRE(over);
    CHECK(over->jobs == 1);
}

TEST_CASE_METHOD(BackupFixture,
                 "what comes due before a restored copy is resumed is the original's",
                 "[store][backup]") {
    Job passed = add(1h);
    Job asked_for = add(2h);
    Job future = add(24h);
    (void)back_up(dir / "copy");
    REQUIRE(restored());
    open(dir / "copy");
    Job own = add(1h);
    clock.advance(3h);
    REQUIRE(wait<std::optional<TimePoint>>(
        [&](auto reply) { store->make_due(asked_for.id, clock.now(), std::move(reply)); }));
    CHECK(find(passed.id).status == JobStatus::scheduled);
    // Whoever pauses on decides nothing, for however long.
    for (std::optional<TimePoint> until : {std::optional<TimePoint>(), {clock.now() + 1s}}) {
        auto paused = pause({.paused = true, .until = until});
        CHECK(paused.stands.is_restored);
        CHECK_FALSE(paused.stands.until);
        clock.advance(2s);
        CHECK(find(passed.id).status == JobStatus::scheduled);
        CHECK(claim().empty());
    }

    CHECK(store->pause_state()->is_restored);
    auto resumed = pause({});
    CHECK(resumed.missed == 1);
    CHECK_FALSE(resumed.stands.is_restored);
    CHECK(find(passed.id).finish_status == FinishStatus::did_not_run);
    CHECK(find(passed.id).error->find("before this restored daemon was resumed") !=
          std::string::npos);
    CHECK(find(future.id).status == JobStatus::scheduled);
    CHECK(claim().size() == 2);
    CHECK(find(asked_for.id).status == JobStatus::running);
    CHECK(find(own.id).status == JobStatus::running);
    CHECK((*store->counts())["did_not_run"] == 1);

    // Once, and no trace is left.
    clock.advance(24h);
    (void)pause({});
    auto late = claim();
    REQUIRE(late.size() == 1);
    CHECK(late.front().id == future.id);
    CHECK(meta("restore_fence") == "none");
    CHECK(meta("restore_run:" + asked_for.id.to_string()) == "none");
}

TEST_CASE_METHOD(BackupFixture,
                 "a copy that may run what was missed waits until it is resumed, too",
                 "[store][backup]") {
    Job passed = add(1h);
    (void)back_up(dir / "copy");
    clock.advance(2h);
    REQUIRE(restored(true));
    open(dir / "copy");
    CHECK(store->pause_state()->is_restored);
    CHECK_FALSE(pause({.paused = true, .until = clock.now() + 1s}).stands.until);
    clock.advance(1h);
    CHECK(claim().empty());
    CHECK(pause({}).missed == 0);
    auto claimed = claim();
    REQUIRE(claimed.size() == 1);
    CHECK(claimed.front().id == passed.id);
    // Resumed once, it is a daemon like others.
    CHECK(pause({.paused = true, .until = clock.now() + 1s}).stands.until);
}

TEST_CASE_METHOD(BackupFixture, "a restored group has its limit, and its line", "[store][backup]") {
    GroupEdit edit;
    edit.max_running = 1;
    REQUIRE(wait<Group>([&](auto reply) { store->set_group("g", edit, std::move(reply)); }));
    std::vector<NewJob> jobs;
    for (int i = 0; i < 3; ++i) {
        jobs.push_back({"alpine", {}, clock.now(), clock.now(), {}, {}, "uid:1"});
        jobs.back().spec.group = "g";
    }
    REQUIRE(
        wait<std::vector<AddedJob>>([&](auto reply) { store->insert(jobs, std::move(reply)); }));
    REQUIRE(claim().size() == 1);
    back_up(dir / "backup");
    std::filesystem::copy_file(dir / "backup", dir / "copy");
    SECTION("what came due is missed") {
        REQUIRE(restored());
        open(dir / "copy");
        CHECK(pause({}).missed == 0);  // the restore said so already
        CHECK((*store->group("g"))->waiting == 0);
        CHECK(claim().empty());
    }
    SECTION("what is to be run is, one after the other") {
        auto report = restored(true);
        REQUIRE(report);
        CHECK(report->lost == 1);
        open(dir / "copy");
        (void)pause({});
        CHECK((*store->group("g"))->running == 0);
        CHECK((*store->group("g"))->waiting == 2);
        CHECK(claim().size() == 1);
        CHECK(claim().empty());
    }
}

}  // namespace scheduler
