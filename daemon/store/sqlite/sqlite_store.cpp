#include "daemon/store/sqlite/sqlite_store.hpp"

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/store/sqlite/schema.hpp"
#include "daemon/store/sqlite/wal.hpp"

namespace scheduler {
namespace {

/// The newest id that was ever given out, also when its row is gone.
std::optional<JobId> read_last_id(Database& database) {
    Query query = database.query("SELECT value FROM meta WHERE key = 'last_id'");
    if (!query.step()) return std::nullopt;
    auto id = JobId::parse(query.text(0));
    return id ? std::optional(*id) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(Parts parts) {
    try {
        if (!mutated("trusts_unsynced_log")) write_wal_anew(parts.path);
        auto database = std::make_unique<Database>(parts.path, Database::Mode::writer);
        auto migrated = migrate(*database, parts.path, migrations());
        if (!migrated) return fail(migrated.error());
        auto last_id = read_last_id(*database);
        return std::unique_ptr<SqliteStore>(
            new SqliteStore(std::move(parts), std::move(database), last_id));
    } catch (const SqliteError& error) {
        return fail(
            ErrorCode::internal,
            fmt::format(
                "the database {} can't be opened: {}; make the state directory writable, or give "
                "another --state-dir",
                parts.path.native(),
                error.what()));
    }
}

SqliteStore::SqliteStore(Parts parts,
                         std::unique_ptr<Database> database,
                         std::optional<JobId> last_id)
    : ids_(parts.clock, std::move(parts.random), last_id),
      writer_(std::move(database), parts.commits, std::move(parts.on_fatal)),
      readers_(parts.path) {
    writer_.on_disk_full(std::move(parts.on_disk_full));
}

}  // namespace scheduler
