/// The store's verbs: who wins a race is decided by the row, and a write that fails fails alone.

#include "daemon/store/sqlite/sqlite_store.hpp"

#include <catch2/catch.hpp>

#include "daemon/base/random.hpp"
#include "daemon/store/sqlite/schema.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/manual_executor.hpp"
#include "tests/support/statement_count.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;
using test::StatementCount;
using test::TempDir;

Outcome outcome(FinishStatus finish, std::optional<std::int64_t> exit_code = {}) {
    Outcome made;
    made.finish = finish;
    made.exit_code = exit_code;
    return made;
}

ListFilter filter(const std::function<void(ListFilter&)>& set) {
    ListFilter made;
    set(made);
    return made;
}

struct StoreFixture {
    StoreFixture() { open(); }
    void open() {
        store.reset();
        auto opened = SqliteStore::open({path(), executor, clock, system_random(), {}});
        REQUIRE(opened);
        store = std::move(*opened);
        store->on_commit([this](const std::vector<CommittedEvent>&) { ++commits; });
    }
    std::filesystem::path path() const { return dir.path() / "db"; }

    NewJob job(Duration in, std::string name = "alpine") const {
        return {name, {}, clock.now(), clock.now() + in, {}, {}, "uid:1"};
    }
    template <class T, class Call>
    Result<T> wait(Call call) {
        std::optional<Result<T>> answer;
        call([&](Result<T> result) { answer.emplace(std::move(result)); });
        executor.run();
        REQUIRE(answer);
        return std::move(*answer);
    }
    Job add(NewJob job) {
        auto added = wait<std::vector<AddedJob>>(
            [&](auto reply) { store->insert({job}, std::move(reply)); });
        REQUIRE(added);
        return added->front().job;
    }
    std::vector<RunningJob> claim(int max = 100) {
        auto claimed = wait<ClaimResult>([&](auto reply) {
            store->claim_due({clock.now(), max, "engine"}, std::move(reply));
        });
        REQUIRE(claimed);
        return claimed->jobs;
    }
    Result<Done> cancel(JobId id) {
        return wait<Done>(
            [&](auto reply) { store->cancel(id, clock.now(), "removed", std::move(reply)); });
    }
    Result<bool> finish(JobId id, Outcome outcome) {
        outcome.finished_at = clock.now();
        return wait<bool>([&](auto reply) { store->finish(id, 1, outcome, std::move(reply)); });
    }
    Job find(JobId id) {
        auto found = store->find(JobRef{id.to_string()}, "");
        REQUIRE(found);
        return *found;
    }

    TempDir dir;
    FakeClock clock;
    ManualExecutor executor{clock};
    int commits = 0;
    std::unique_ptr<SqliteStore> store;
};

TEST_CASE_METHOD(StoreFixture, "ids and numbers grow, also across a restart", "[store]") {
    Job first = add(job(1h));
    clock.set(clock.now() - 24h);  // the clock is set back
    open();
    Job second = add(job(1h));
    REQUIRE(first.number == 1);
    REQUIRE(second.number == 2);
    REQUIRE(first.id < second.id);
}

TEST_CASE_METHOD(StoreFixture, "due jobs are claimed in the order of their due time", "[store]") {
    Job late = add(job(2s));
    Job early = add(job(1s));
    Job future = add(job(1h));
    clock.advance(10s);
    auto claimed = claim();
    REQUIRE(claimed.size() == 2);
    REQUIRE(claimed[0].id == early.id);
    REQUIRE(claimed[1].id == late.id);
    REQUIRE(claimed[0].attempt == 1);
    REQUIRE(find(future.id).status == JobStatus::scheduled);
    REQUIRE(claim().empty());
}

TEST_CASE_METHOD(StoreFixture,
                 "a claim takes no more than it is asked for and tells what is next",
                 "[store]") {
    for (int i = 0; i < 3; ++i)
        (void)add(job(0s));
    auto claimed = wait<ClaimResult>([&](auto reply) {
        store->claim_due({clock.now(), 2, "engine"}, std::move(reply));
    });
    REQUIRE(claimed->jobs.size() == 2);
    REQUIRE(claimed->next_due_at == clock.now());
}

TEST_CASE_METHOD(StoreFixture, "a clock that is set back makes no job start early", "[store]") {
    Job added = add(job(10s));
    clock.advance(11s);
    // Promoted to ready, but not claimed: no slot was free.
    (void)wait<ClaimResult>([&](auto reply) {
        store->claim_due({clock.now(), 0, "engine"}, std::move(reply));
    });
    clock.set(clock.now() - 1h);
    REQUIRE(claim().empty());
    REQUIRE(find(added.id).status == JobStatus::scheduled);
}

TEST_CASE_METHOD(StoreFixture, "remove against claim: whoever commits first wins", "[store]") {
    SECTION("the claim was first") {
        Job added = add(job(0s));
        REQUIRE(claim().size() == 1);
        auto removed = cancel(added.id);
        REQUIRE(removed.error().code == ErrorCode::job_running);
    }
    SECTION("the removal was first") {
        Job added = add(job(0s));
        REQUIRE(cancel(added.id));
        REQUIRE(claim().empty());
        Job job = find(added.id);
        REQUIRE(job.status == JobStatus::canceled);
        REQUIRE(job.finish_status == FinishStatus::did_not_run);
        REQUIRE(job.finish_date.has_value());
        REQUIRE(cancel(added.id).error().code == ErrorCode::job_in_history);
    }
    SECTION("both in one group commit") {
        Job added = add(job(0s));
        std::optional<bool> removed;
        std::size_t claimed = 0;
        store->cancel(added.id, clock.now(), "removed", [&](Result<Done> done) {
            removed = done.has_value();
        });
        store->claim_due({clock.now(), 10, "engine"},
                         [&](Result<ClaimResult> result) { claimed = result->jobs.size(); });
        executor.run();
        REQUIRE(removed == true);
        REQUIRE(claimed == 0);
    }
}

TEST_CASE_METHOD(StoreFixture,
                 "in a group commit one write fails and its neighbours do not",
                 "[store]") {
    NewJob keyed = job(1h);
    keyed.key = "k";
    keyed.request_hash = "one";
    (void)add(keyed);
    NewJob clash = keyed;
    clash.request_hash = "two";
    int before = commits;
    std::vector<std::string> answers;
    auto note = [&](Result<std::vector<AddedJob>> added) {
        answers.push_back(added ? "added" : std::string(to_string(added.error().code)));
    };
    store->insert({job(1h)}, note);
    store->insert({job(1h), clash}, note);  // all or none: its first job is taken back
    store->insert({job(1h)}, note);
    executor.run();
    REQUIRE(answers == std::vector<std::string>{"added", "key_reused", "added"});
    REQUIRE(commits == before + 1);
    REQUIRE((*store->counts())["scheduled"] == 3);
    REQUIRE(store->list({}, {}, 100)->jobs.size() == 3);
}

TEST_CASE_METHOD(StoreFixture,
                 "a key that repeats the same request replays the first job",
                 "[store]") {
    NewJob keyed = job(1h);
    keyed.key = "k";
    keyed.request_hash = "one";
    Job first = add(keyed);
    auto again =
        wait<std::vector<AddedJob>>([&](auto reply) { store->insert({keyed}, std::move(reply)); });
    REQUIRE(again->front().replayed);
    REQUIRE(again->front().job.id == first.id);
}

TEST_CASE_METHOD(StoreFixture,
                 "the container's id is not committed once a kill was asked for",
                 "[store]") {
    Job added = add(job(0s));
    (void)claim();
    REQUIRE(wait<Done>([&](auto reply) {
        store->request_kill(added.id, clock.now(), "me", false, std::move(reply));
    }));
    auto stored =
        wait<bool>([&](auto reply) { store->set_container(added.id, 1, "c1", std::move(reply)); });
    REQUIRE(*stored == false);
}

TEST_CASE_METHOD(StoreFixture, "the first outcome stands", "[store]") {
    Job added = add(job(0s));
    (void)claim();
    REQUIRE(*finish(added.id, outcome(FinishStatus::success, 0)) == true);
    REQUIRE(*finish(added.id, outcome(FinishStatus::lost)) == false);
    REQUIRE(find(added.id).finish_status == FinishStatus::success);
}

TEST_CASE_METHOD(StoreFixture, "counters and events equal the transitions", "[store]") {
    Job a = add(job(0s));
    Job b = add(job(1h));
    (void)claim();
    (void)finish(a.id, outcome(FinishStatus::failed, 1));
    REQUIRE(cancel(b.id));
    auto counts = *store->counts();
    REQUIRE(counts["scheduled"] == 0);
    REQUIRE(counts["running"] == 0);
    REQUIRE(counts["failed"] == 1);
    REQUIRE(counts["did_not_run"] == 1);
    auto events = *store->events_after(0, a.id, 100);
    REQUIRE(events.size() == 3);
    REQUIRE_FALSE(events[0].from.has_value());
    REQUIRE(events[1].to == JobStatus::running);
    REQUIRE(events[2].finish_status == FinishStatus::failed);
    REQUIRE(store->events_after(0, {}, 100)->size() == 5);
}

TEST_CASE_METHOD(StoreFixture, "jobs are found by id, number, unique prefix and last", "[store]") {
    Job first = add(job(1h));
    Job second = add(job(1h));
    auto find_text = [&](const std::string& text) { return store->find(JobRef{text}, "uid:1"); };
    REQUIRE(find_text("2")->id == second.id);
    REQUIRE(find_text("last")->id == second.id);
    REQUIRE(find_text(first.id.to_string().substr(0, 31))->id == first.id);
    REQUIRE(find_text("3").error().message == "job with id 3 not found");
    REQUIRE(find_text("99999999999999999999").error().code == ErrorCode::job_not_found);
    auto ambiguous = find_text(first.id.to_string().substr(0, 8));
    REQUIRE(ambiguous.error().code == ErrorCode::bad_request);
    REQUIRE(ambiguous.error().message.find(second.id.to_string()) != std::string::npos);
    REQUIRE(store->find(JobRef{"last"}, "uid:2").error().code == ErrorCode::job_not_found);
}

TEST_CASE_METHOD(StoreFixture,
                 "pages list running, then scheduled by due time, then history newest first",
                 "[store]") {
    Job ran = add(job(0s));
    (void)claim();
    clock.advance(1s);
    (void)finish(ran.id, outcome(FinishStatus::success));
    Job removed = add(job(1h));
    clock.advance(1s);
    REQUIRE(cancel(removed.id));
    Job running = add(job(0s));
    (void)claim();
    Job overdue = add(job(0s));
    Job later = add(job(2h));
    Job sooner = add(job(1h));
    std::vector<JobId> expected{running.id, overdue.id, sooner.id, later.id, removed.id, ran.id};
    for (std::int64_t limit : {1, 2, 5, 6, 100}) {
        std::vector<JobId> seen;
        std::optional<ListPosition> place;
        do {
            auto page = store->list({}, place, limit);
            REQUIRE(page);
            for (const Job& listed : page->jobs)
                seen.push_back(listed.id);
            place = page->next;
        } while (place);
        REQUIRE(seen == expected);
    }
    REQUIRE(store->list_all({}, 6)->has_value());
    REQUIRE_FALSE(store->list_all({}, 5)->has_value());
}

TEST_CASE_METHOD(StoreFixture, "lists are filtered by name, status and end", "[store]") {
    Job a = add(job(0s, "a"));
    Job b = add(job(1h, "b"));
    (void)claim();
    (void)finish(a.id, outcome(FinishStatus::failed));
    auto ids = [&](const ListFilter& wanted) {
        std::vector<JobId> seen;
        auto page = store->list(wanted, {}, 100);
        REQUIRE(page);
        for (const Job& listed : page->jobs)
            seen.push_back(listed.id);
        return seen;
    };
    REQUIRE(ids(filter([&](ListFilter& f) { f.job_name = "b"; })) == std::vector{b.id});
    REQUIRE(ids(filter([&](ListFilter& f) { f.job_name = "a"; })) == std::vector{a.id});
    REQUIRE(ids(filter([&](ListFilter& f) { f.status = {JobStatus::finished}; })) ==
            std::vector{a.id});
    REQUIRE(ids(filter([&](ListFilter& f) { f.status = {JobStatus::canceled}; })).empty());
    REQUIRE(ids(filter([&](ListFilter& f) {
                f.finish_status = {FinishStatus::failed, FinishStatus::lost};
            })) == std::vector{a.id});
    REQUIRE(ids(filter([&](ListFilter& f) { f.finish_status = {FinishStatus::success}; })).empty());
    REQUIRE(ids(filter([&](ListFilter& f) { f.since = clock.now() + 30min; })) ==
            std::vector{b.id});
}

TEST_CASE_METHOD(StoreFixture, "each statement of the hot path reads by its index", "[store]") {
    auto [sql, index] = GENERATE(table<std::string, std::string>({
        {"SELECT number FROM job WHERE status = 'scheduled' AND ready = 0 AND due_at <= 1 ORDER BY "
         "due_at LIMIT 9",
         "job_scheduled"},
        {"SELECT number FROM job INDEXED BY job_ready WHERE status = 'scheduled' AND ready = 1 AND "
         "held = 0 AND "
         "due_at <= 1 ORDER BY rank, number LIMIT 9",
         "job_ready"},
        {"SELECT due_at FROM job WHERE status = 'scheduled' AND ready = 1 ORDER BY due_at LIMIT 1",
         "job_scheduled"},
        {"SELECT * FROM job WHERE submitted_by = 'x' ORDER BY number DESC LIMIT 1",
         "job_submitter"},
        {"SELECT * FROM job WHERE key = 'k'", "job_key"},
        {"SELECT * FROM event WHERE event.job = 1 AND seq > 1 ORDER BY seq LIMIT 9", "event_job"},
        {"SELECT * FROM job INDEXED BY job_history WHERE finished_at IS NOT NULL AND (finished_at, "
         "number) < (9, 9) "
         "ORDER BY finished_at DESC, number DESC LIMIT 9",
         "job_history"},
    }));
    Database database(path(), Database::Mode::reader);
    std::string plan;
    Query query = database.query_text("EXPLAIN QUERY PLAN " + sql);
    while (query.step())
        plan += query.text(3) + '\n';
    INFO(plan);

    REQUIRE(plan.find("INDEX " + index) != std::string::npos);
    REQUIRE(plan.find("TEMP B-TREE") == std::string::npos);
}

TEST_CASE_METHOD(StoreFixture,
                 "the cost of a filtered list does not grow with history",
                 "[store]") {
    StatementCount count;
    open();
    Database writer(path(), Database::Mode::writer);
    // One row a second: finished ones in the past, scheduled ones ahead. Of the name `rare` a few
    // ended otherwise, and those long ago.
    auto fill = [&](int rows) {
        auto now = clock.now().time_since_epoch().count();
        writer.exec("DELETE FROM job");
        writer
            .query_text(
                "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                "INSERT INTO job(id, name, spec, status, created_at, due_at, rank, submitted_by, "
                "attempt, claimed_at, finished_at, finish_status) SELECT randomblob(16), 'rare', "
                "'{}', 'finished', 1, 1, 1, 'x', 1, 1, ?2 - i * 1000, "
                "CASE WHEN i > ?1 - 5 THEN 'lost' ELSE 'success' END FROM n")
            .bind(rows)
            .bind(now)
            .run();
        writer
            .query_text(
                "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                "INSERT INTO job(id, name, spec, status, created_at, due_at, rank, submitted_by) "
                "SELECT randomblob(16), 'rare', '{}', 'scheduled', 1, ?2 + i * 1000, 1, 'x' FROM n")
            .bind(rows)
            .bind(now)
            .run();
    };
    auto cost = [&](const ListFilter& wanted, std::optional<ListPosition> after) {
        count.reset();
        auto page = store->list(wanted, after, 10);
        REQUIRE(page);
        REQUIRE_FALSE(page->jobs.empty());
        return count.steps();
    };
    constexpr std::int64_t steps_a_page = 4000;  // some 100 a row, some 10 to pass over one
    constexpr int many = 5000;
    fill(many);
    auto middle = clock.now() - std::chrono::seconds(many / 2);
    ListPosition newest{2, clock.now().time_since_epoch().count(), many};
    ListPosition soonest{1, clock.now().time_since_epoch().count(), 0};
    auto history = [&](ListFilter& f) { f.status = {JobStatus::finished, JobStatus::canceled}; };
    auto wanted = GENERATE_REF(values<std::pair<ListFilter, std::optional<ListPosition>>>(
        {{filter([&](ListFilter& f) { history(f), f.until = middle; }), std::nullopt},
         {filter([&](ListFilter& f) { history(f), f.until = middle; }), newest},
         {filter([&](ListFilter& f) { history(f), f.since = middle; }), newest},
         {filter([&](ListFilter& f) { f.until = middle, f.job_name = "rare"; }), newest},
         {filter(
              [&](ListFilter& f) { f.until = middle, f.finish_status = {FinishStatus::success}; }),
          newest},
         {filter(
              [&](ListFilter& f) { f.job_name = "rare", f.finish_status = {FinishStatus::lost}; }),
          std::nullopt},
         {filter([&](ListFilter& f) {
              f.status = {JobStatus::scheduled}, f.since = clock.now() + std::chrono::hours(1);
          }),
          soonest}}));
    auto steps = cost(wanted.first, wanted.second);
    REQUIRE(steps > 0);
    REQUIRE(steps < steps_a_page);
}

TEST_CASE_METHOD(StoreFixture, "a pause survives a restart", "[store]") {
    REQUIRE(wait<PauseChange>(
        [&](auto reply) { store->set_pause({.paused = true}, std::move(reply)); }));
    open();
    REQUIRE(store->pause_state()->paused);
    (void)add(job(0s));
    REQUIRE(claim().empty());
}

TEST_CASE_METHOD(StoreFixture,
                 "a database that the first release wrote opens, with all its jobs",
                 "[store]") {
    store.reset();
    std::filesystem::remove(path());
    std::filesystem::copy_file(
        std::filesystem::path(PROJECT_SOURCE_DIR) / "tests/fixtures/schema-1.db", path());
    open();
    auto page = store->list({}, {}, 100);
    REQUIRE(page);
    REQUIRE(page->jobs.size() == 4);
    REQUIRE(store->find(JobRef{"2"}, "")->exit_code == 3);
    REQUIRE((*store->counts())["failed"] == 3);
    REQUIRE(add(job(1h)).number == 5);
}

TEST_CASE_METHOD(StoreFixture, "a database is its user's alone", "[store]") {
    auto mode = [](const std::filesystem::path& file) {
        return std::filesystem::status(file).permissions();
    };
    constexpr auto own = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
    add(job(1h));
    CHECK(mode(path()) == own);
    CHECK(mode(path().native() + "-wal") == own);
    CHECK(mode(path().native() + "-shm") == own);
    store.reset();
    std::filesystem::permissions(path(), std::filesystem::perms(0644));  // as it was made before
    open();
    CHECK(mode(path()) == own);
}

TEST_CASE("a database of schema 1 is migrated, and kept beside itself", "[store]") {
    TempDir dir;
    auto path = dir.path() / "db";
    Database database(path, Database::Mode::writer);
    REQUIRE(migrate(database, path, migrations().first(1)));
    database.exec("INSERT INTO meta(key, value) VALUES('kept', 'yes')");
    std::vector<Migration> steps(migrations().begin(), migrations().begin() + 1);
    steps.push_back({2, "ALTER TABLE job ADD COLUMN color TEXT"});
    REQUIRE(migrate(database, path, steps));
    database.exec("UPDATE job SET color = 'red'");
    CHECK(std::filesystem::status(dir.path() / "db.v1").permissions() ==
          std::filesystem::perms(0600));
    Database copy(dir.path() / "db.v1", Database::Mode::reader);
    Query query = copy.query("SELECT value FROM meta WHERE key = 'kept'");
    REQUIRE(query.step());
    REQUIRE(query.text(0) == "yes");
}

TEST_CASE("a database of a newer version, or of another program, is refused by name", "[store]") {
    TempDir dir;
    auto path = dir.path() / "db";
    SECTION("newer") {
        Database database(path, Database::Mode::writer);
        REQUIRE(migrate(database, path, migrations()));
        database.exec("PRAGMA user_version=99");
        auto refused = migrate(database, path, migrations());
        REQUIRE_FALSE(refused);
        REQUIRE(refused.error().message.find("newer schedulerd (schema 99") != std::string::npos);
        REQUIRE(refused.error().message.find(path.native()) != std::string::npos);
    }
    SECTION("foreign") {
        Database database(path, Database::Mode::writer);
        database.exec("CREATE TABLE theirs(x)");
        auto refused = migrate(database, path, migrations());
        REQUIRE_FALSE(refused);
        REQUIRE(refused.error().message.find("not a database of schedulerd") != std::string::npos);
    }
}

}  // namespace
}  // namespace scheduler
