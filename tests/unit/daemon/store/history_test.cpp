/// The statements that shorten history read by an index, at any size of the table.

#include <catch2/catch.hpp>

#include "daemon/store/sqlite/schema.hpp"
#include "tests/support/temp_dir.hpp"

namespace scheduler {
namespace {

using test::TempDir;

std::string plan_of(Database& database, const std::string& sql) {
    std::string plan;
    Query query = database.query_text("EXPLAIN QUERY PLAN " + sql);
    while (query.step())
        plan += query.text(3) + '\n';
    return plan;
}

TEST_CASE("each statement of retention reads by its index", "[store]") {
    auto [sql, index] = GENERATE(table<std::string, std::string>({
        {"SELECT id, (SELECT bytes FROM output WHERE ended_at = finished_at AND job = number) FROM "
         "job INDEXED BY job_history WHERE finished_at IS NOT NULL AND (finished_at, number) > (1, "
         "1) ORDER BY finished_at, number LIMIT 101",
         "INDEX job_history "},
        {"SELECT id FROM job INDEXED BY job_history_finish WHERE finished_at IS NOT NULL AND "
         "finish_status = 'did_not_run' AND (finished_at, number) > (1, 1) ORDER BY finished_at, "
         "number LIMIT 101",
         "INDEX job_history_finish"},
        {"DELETE FROM job WHERE number = 1 AND finished_at IS NOT NULL", "INTEGER PRIMARY KEY"},
        {"DELETE FROM event WHERE job = 1", "INDEX event_job"},
        {"SELECT seq FROM event WHERE job = 1 ORDER BY seq DESC LIMIT 1", "INDEX event_job"},
        {"DELETE FROM attempt WHERE job = 1", "PRIMARY KEY"},
        {"DELETE FROM output WHERE ended_at = 1 AND job = 1", "PRIMARY KEY"},
        {"SELECT ended_at, job, bytes FROM output WHERE (ended_at, job) > (1, 1) ORDER BY "
         "ended_at, job LIMIT 101",
         "PRIMARY KEY"},
        {"SELECT finished_at FROM job INDEXED BY job_history WHERE finished_at IS NOT NULL ORDER "
         "BY finished_at LIMIT 1",
         "INDEX job_history"},
        {"SELECT max(seq) FROM event", "SEARCH event"},
        {"SELECT n FROM counter WHERE state = 'purged'", "PRIMARY KEY"},
    }));
    TempDir dir;
    Database database(dir.path() / "db", Database::Mode::writer);
    REQUIRE(migrate(database, dir.path() / "db", migrations()));
    std::string plan = plan_of(database, sql);
    INFO(plan);
    CHECK(plan.find(index) != std::string::npos);
    CHECK(plan.find("TEMP B-TREE") == std::string::npos);
}

TEST_CASE("later schemas take nothing from schema 1, and rewrite no table", "[store]") {
    TempDir dir;
    auto path = dir.path() / "db";
    Database database(path, Database::Mode::writer);
    REQUIRE(migrate(database, path, migrations().first(1)));
    database.exec(
        "INSERT INTO job(id, name, spec, status, created_at, due_at, rank, submitted_by, "
        "finished_at, finish_status) VALUES(x'01', 'a', '{}', 'finished', 1, 1, 1, 'u', 2, "
        "'success')");
    auto changes = database.total_changes();
    REQUIRE(migrate(database, path, migrations()));
    CHECK(database.total_changes() - changes < 10);  // of the schema's own table
    Query row =
        database.query("SELECT output_removed_at, finish_status, definition_revision FROM job");
    REQUIRE(row.step());
    CHECK(row.is_null(0));
    CHECK(row.text(1) == "success");
    CHECK(row.is_null(2));
}

}  // namespace
}  // namespace scheduler
