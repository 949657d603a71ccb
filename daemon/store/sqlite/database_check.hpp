#pragma once
/// What is looked at before a database is served from, and by `--check-database`. A damaged file is
/// left as it is: start-up ends with a sentence that names the file, the damage and the remedy.
///
///   at each start   the mark, the file's size and header, the log of writes; then all of a small
///                   database, of a large one the beginning of each table and index
///   in background   a large database, piece by piece (IntegrityWalk)
///   by hand         everything
///
/// What no check sees: a changed byte within a value that is still a value of its type. SQLite's
/// pages have no checksums. One thread at a time.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/result.hpp"
#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

/// Databases up to this size are checked whole at each start: 20 ms here.
inline constexpr std::int64_t small_database_bytes = std::int64_t{8} << 20U;

/// The sentence for a damage.
Error damage_error(const std::filesystem::path& database, const std::string& damage);
/// The sentence for a database that can't be opened.
Error open_error(const std::filesystem::path& database, const SqliteError& error);

/// Before SQLite opens the files, which would pass over these in silence. Errors: internal.
Result<Done> check_files(const std::filesystem::path& database);

/// On the connection that will serve. Throws SqliteError for what SQLite meets. Errors: internal.
Result<Done> check_start(Database& database, const std::filesystem::path& path);

/// Everything, at any size; the answer says what was looked at. Takes back a mark of damage when
/// none is found. Errors: internal.
Result<std::string> check_database(const std::filesystem::path& path);

}  // namespace scheduler
