#include "daemon/store/sqlite/sqlite_store.hpp"

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "daemon/store/sqlite/database_check.hpp"
#include "daemon/store/sqlite/database_mark.hpp"
#include "daemon/store/sqlite/schema.hpp"
#include "daemon/store/sqlite/wal.hpp"

namespace scheduler {
namespace {

/// The newest id, which the next one follows also when the clock was set back. One whose row is
/// gone does not count: nothing is compared with it, and it can't come again (RFC 9562, 62 random
/// bits); to remember it would cost each commit a page.
std::optional<JobId> read_last_id(Database& database) {
    Query query = database.query("SELECT max(id) FROM job");
    if (!query.step() || query.is_null(0)) return std::nullopt;
    return query.job_id(0);
}

bool has_definitions(Database& database) {
    return database.query("SELECT 1 FROM definition LIMIT 1").step();
}

/// Remembers a damage, so that the next start does not serve from the file.
Writer::OnFatal remember_damage(const std::filesystem::path& path,
                                bool is_checked,
                                UniqueFunction<void(const std::string&)> then) {
    return [path, is_checked, then = std::move(then)](const SqliteError& error,
                                                      const std::string& sentence) mutable {
        if (is_checked && error.kind() == SqliteError::Kind::damage) {
            log_error("database_damaged", {{"remedy", damage_error(path, error.what()).message}});
            if (auto written = DatabaseMark(path).write(error.what()); !written)
                log_error("mark_not_written", {{"error", written.error().message}});
        }
        if (then) then(sentence);
    };
}

/// The mark of a new database, and of one that is older than marks.
void mark_in_use(const std::filesystem::path& path) {
    const DatabaseMark mark(path);
    auto state = mark.read();
    if (state && state->exists) return;
    if (auto written = mark.write(""); !written)
        log_warning("mark_not_written", {{"error", written.error().message}});
}

Result<std::unique_ptr<Database>> open_database(const std::filesystem::path& path,
                                                bool is_checked) {
    if (is_checked)
        if (auto whole = check_files(path); !whole) return fail(whole.error());
    if (!mutated("trusts_unsynced_log")) write_wal_anew(path);
    auto database = std::make_unique<Database>(path, Database::Mode::writer);
    if (is_checked)
        if (auto whole = check_start(*database, path); !whole) return fail(whole.error());
    auto migrated = migrate(*database, path, migrations());
    if (!migrated) return fail(migrated.error());
    if (is_checked) mark_in_use(path);
    database->set_checkpoint_on_close(true);
    return database;
}

/// A full disk under the copy is no trouble of the store's own.
Error copy_error(const std::filesystem::path& file, const SqliteError& error) {
    bool is_full = error.kind() == SqliteError::Kind::disk_full;
    return {is_full ? ErrorCode::disk_full : ErrorCode::internal,
            fmt::format("the database can't be copied to {}: {}",
                        file.native(),
                        is_full ? "there is no room for it; free some space there" : error.what())};
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(Parts parts) {
    try {
        auto database = open_database(parts.path, parts.checks != nullptr);
        if (!database) return fail(database.error());
        if (parts.checkpoints != nullptr)
            (*database)->set_commits_checkpoint_at(parts.checkpoint_limits.force);
        auto last_id = read_last_id(**database);
        bool definitions = has_definitions(**database);
        bool groups = has_groups(**database);
        return std::unique_ptr<SqliteStore>(
            new SqliteStore(std::move(parts), std::move(*database), last_id, definitions, groups));
    } catch (const SqliteError& error) {
        return fail(open_error(parts.path, error));
    }
}

SqliteStore::SqliteStore(Parts parts,
                         std::unique_ptr<Database> database,
                         std::optional<JobId> last_id,
                         bool has_definitions,
                         bool has_groups)
    : clock_(parts.clock),
      ids_(parts.clock, std::move(parts.random), last_id),
      writer_(std::move(database),
              parts.commits,
              remember_damage(parts.path, parts.checks != nullptr, std::move(parts.on_fatal))),
      readers_(parts.path, [this](const SqliteError& error) { writer_.failed_elsewhere(error); }),
      may_have_definitions_(has_definitions),
      groups_{has_groups} {
    writer_.on_disk_full(std::move(parts.on_disk_full));
    writer_.on_space(std::move(parts.on_space));
    if (parts.checkpoints != nullptr)
        checkpoints_.emplace(parts.path, *parts.checkpoints, writer_, parts.checkpoint_limits);
    if (parts.checks == nullptr) return;
    walk_.emplace(parts.path, *parts.checks, parts.clock, [this](const SqliteError& error) {
        writer_.failed_elsewhere(error);
    });
    walk_->begin();
}

void SqliteStore::begin_copy(std::filesystem::path file, Reply<Done> reply) {
    writer_.between_commits<Done>(
        [this, file = std::move(file)](Database& database) -> Result<Done> {
            try {
                copy_ = std::make_unique<DatabaseCopy>(database, file);
                return Done{};
            } catch (const SqliteError& error) {
                return fail(copy_error(file, error));
            }
        },
        std::move(reply));
}

void SqliteStore::copy_slice(Reply<bool> reply) {
    writer_.between_commits<bool>(
        [this](Database&) -> Result<bool> {
            if (!copy_) return fail(ErrorCode::internal, "no copy of the database is under way");
            try {
                bool is_whole = copy_->copy_slice();
                if (is_whole) copy_.reset();
                return is_whole;
            } catch (const SqliteError& error) {
                auto file = std::exchange(copy_, nullptr)->file();
                return fail(copy_error(file, error));
            }
        },
        std::move(reply));
}

}  // namespace scheduler
