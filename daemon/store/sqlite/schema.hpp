#pragma once
/// The schema, by numbered migrations. `PRAGMA user_version` holds the number of the last one
/// applied, `application_id` marks the file as ours.
///
/// To change the schema: append a Migration (never edit one that was released), keep each in one
/// transaction, add the database that the last release writes to tests/fixtures, and describe the
/// new meaning in docs/storage.md. Columns are added freely; a meaning is never changed.

#include <filesystem>
#include <span>

#include "common/result.hpp"
#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

struct Migration {
    int version;
    const char* sql;
};

/// Consecutive versions from 1.
std::span<const Migration> migrations();

/// "schd": what `file` and this program know the database by.
inline constexpr std::int64_t application_id = 0x73636864;

/// Brings the database to the newest of `steps`. Before a database that holds data is changed it is
/// copied beside itself (`<path>.v<version>`).
/// Errors: internal with a sentence for a newer version, for a foreign file, or for a failed step.
Result<Done> migrate(Database& database,
                     const std::filesystem::path& path,
                     std::span<const Migration> steps);

}  // namespace scheduler
