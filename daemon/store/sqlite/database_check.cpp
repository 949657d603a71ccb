#include "daemon/store/sqlite/database_check.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"
#include "daemon/base/log.hpp"
#include "daemon/store/sqlite/database_mark.hpp"
#include "daemon/store/sqlite/rows.hpp"
#include "daemon/store/sqlite/schema.hpp"
#include "daemon/store/sqlite/table_checks.hpp"
#include "daemon/store/sqlite/wal_evidence.hpp"

namespace scheduler {
namespace {

constexpr std::string_view magic("SQLite format 3\0", 16);

std::int64_t size_of(const std::filesystem::path& path, const char* suffix = "") {
    auto file = path;
    file += suffix;
    std::error_code missing;
    auto size = std::filesystem::file_size(file, missing);
    return missing ? 0 : static_cast<std::int64_t>(size);
}

/// The first damage that SQLite's own check finds; empty: none.
std::string found_by(Database& database, const char* pragma) {
    auto answer = first_text(database, pragma);
    if (!answer) return "its check gave no answer";
    if (*answer == "ok") return "";
    std::replace(answer->begin(), answer->end(), '\n', ' ');
    return *answer;
}

/// A database without a log has just as many pages as its header says.
std::string wrong_size(Database& database, const std::filesystem::path& path) {
    if (size_of(path, "-wal") > 0) return "";
    std::int64_t pages = std::stoll(first_text(database, "PRAGMA page_count").value_or("0"));
    std::int64_t page = std::stoll(first_text(database, "PRAGMA page_size").value_or("0"));
    std::int64_t size = size_of(path);
    if (size == pages * page) return "";
    return fmt::format("it has {} bytes, and should have {} pages of {}", size, pages, page);
}

}  // namespace

Error damage_error(const std::filesystem::path& database, const std::string& damage) {
    return {ErrorCode::internal,
            fmt::format("the database {} is damaged: {}. Nothing was changed. Restore a backup, or "
                        "rescue what can be read, and run schedulerd --check-database: "
                        "schedulerd(8), \"A damaged database\"",
                        database.native(),
                        damage)};
}

Error open_error(const std::filesystem::path& database, const SqliteError& error) {
    const auto say = [&](ErrorCode code, std::string_view remedy) {
        return Error{code,
                     fmt::format("the database {} can't be opened: {}; {}",
                                 database.native(),
                                 error.what(),
                                 remedy)};
    };
    switch (error.kind()) {
        case SqliteError::Kind::damage:
            return damage_error(database, error.what());
        case SqliteError::Kind::disk_full:
            return say(ErrorCode::disk_full,
                       "free some space on the disk of the state directory, and start again");
        case SqliteError::Kind::busy:
            return say(ErrorCode::internal, "end the program that has it locked, and start again");
        case SqliteError::Kind::io:
            if ((error.code & 0xff) == SQLITE_IOERR)
                return say(ErrorCode::internal,
                           fmt::format("the disk failed ({}); look into the kernel's log, and "
                                       "start again when it is well",
                                       std::generic_category().message(error.os_error)));
            break;
        case SqliteError::Kind::other:
            break;
    }
    return say(ErrorCode::internal,
               "make the state directory writable, or give another --state-dir");
}

Result<Done> check_files(const std::filesystem::path& database) {
    const DatabaseMark mark(database);
    auto state = mark.read();
    if (!state) return fail(state.error());
    if (!state->damage.empty())
        return fail(ErrorCode::internal,
                    fmt::format("the database {} was found damaged: {}. Restore a backup, or "
                                "rescue what can be read, and run schedulerd --check-database: "
                                "schedulerd(8), \"A damaged database\"",
                                database.native(),
                                state->damage));
    const std::int64_t size = size_of(database);
    if (size == 0 && state->exists)
        return fail(ErrorCode::internal,
                    fmt::format("the database {} is {}, though there was one: {} stands beside it. "
                                "Restore a backup, or remove that file to begin with an empty "
                                "database",
                                database.native(),
                                std::filesystem::exists(database) ? "empty" : "missing",
                                mark.path().native()));
    if (size > 0) {
        UniqueFd fd(::open(database.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd.is_open()) return Done{};  // SQLite says why
        char begin[magic.size()] = {};
        auto got = ::pread(fd.get(), begin, sizeof begin, 0);
        if (got < 0)
            return fail(open_error(
                database, SqliteError(SQLITE_IOERR_READ, "its header can't be read", errno)));
        if (std::string_view(begin, sizeof begin) != magic)
            return fail(damage_error(database, "it does not begin as a SQLite database does"));
    }
    if (auto missing = missing_commits(database)) return fail(damage_error(database, *missing));
    return Done{};
}

Result<Done> check_start(Database& database, const std::filesystem::path& path) {
    if (auto damage = wrong_size(database, path); !damage.empty())
        return fail(damage_error(path, damage));
    if (size_of(path) + size_of(path, "-wal") <= small_database_bytes) {
        auto damage = found_by(database, "PRAGMA quick_check(1)");
        return damage.empty() ? Result<Done>(Done{}) : fail(damage_error(path, damage));
    }
    for (const CheckedTable& table : checked_tables(database))
        check_beginnings(database, table);
    return Done{};
}

Result<std::string> check_database(const std::filesystem::path& path) {
    const DatabaseMark mark(path);
    auto state = mark.read();
    if (!state) return fail(state.error());
    if (size_of(path) == 0)
        return fail(ErrorCode::internal,
                    fmt::format("the database {} is missing or empty", path.native()));
    if (auto missing = missing_commits(path)) return fail(damage_error(path, *missing));
    try {
        Database database(path, Database::Mode::reader);
        if (auto application = first_text(database, "PRAGMA application_id");
            application != std::to_string(application_id))
            return fail(damage_error(path, "it is not a database of schedulerd"));
        auto damage = wrong_size(database, path);
        if (damage.empty()) damage = found_by(database, "PRAGMA integrity_check(1)");
        if (!damage.empty()) return fail(damage_error(path, damage));
        std::int64_t jobs = 0;
        for (Query rows = database.query("SELECT spec FROM job"); rows.step(); ++jobs)
            (void)spec_from(rows, 0);
        if (!state->damage.empty())
            if (auto cleared = mark.write(""); !cleared) return fail(cleared.error());
        return fmt::format("{}: {} jobs in {} pages, and no damage",
                           path.native(),
                           jobs,
                           first_text(database, "PRAGMA page_count").value_or("0"));
    } catch (const SqliteError& error) {
        return fail(open_error(path, error));
    }
}

}  // namespace scheduler
