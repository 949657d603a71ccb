#include "daemon/store/sqlite/database.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"
#include "daemon/base/failpoint.hpp"

namespace scheduler {
namespace {

/// How long a writer waits for another program that has the database locked (the sqlite3 shell).
constexpr int busy_timeout_ms = 5000;

/// SQLite counts its memory behind a lock that every connection takes at each allocation. Nobody
/// reads the counts. In force only before its first use in the process; later it is refused, and
/// costs speed alone.
void leave_memory_uncounted() {
    static const int ignored = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)ignored;
}

SqliteError last_error(sqlite3* handle) {
    return {sqlite3_extended_errcode(handle), sqlite3_errmsg(handle), sqlite3_system_errno(handle)};
}

}  // namespace

SqliteError::Kind SqliteError::kind() const {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return Kind::disk_full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Kind::damage;
        case SQLITE_READONLY:
            return Kind::io;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Kind::busy;
        case SQLITE_IOERR:
            break;
        default:
            return Kind::other;
    }
    if (code == SQLITE_IOERR_NOMEM) return Kind::other;
    // The shared memory beside the log grows with it, and finds the disk full in its own way. A
    // failed fsync is one whatever the errno: what was written before may be gone.
    bool is_full = os_error == ENOSPC || os_error == EDQUOT;
    if (is_full && code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC)
        return Kind::disk_full;
    return Kind::io;
}

/// SQLite makes files that others may read, and gives the files beside the database its mode.
/// A file that exists is not opened here: closing it would end SQLite's locks on it.
void make_private(const std::filesystem::path& path) {
    UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    // What can't be made, or belongs to another user, SQLite refuses in better words.
    if (!made.is_open()) (void)::chmod(path.c_str(), 0600);
}

Query::~Query() {
    if (statement_ == nullptr) return;
    // The result repeats the error of the last step, which was reported then.
    (void)sqlite3_reset(statement_);
    (void)sqlite3_clear_bindings(statement_);
}

void Query::check(int code) const {
    if (code == SQLITE_OK) return;
    throw last_error(sqlite3_db_handle(statement_));
}

Query& Query::bind(std::int64_t value) {
    check(sqlite3_bind_int64(statement_, next_++, value));
    return *this;
}

Query& Query::bind(std::string_view text) {
    // An empty view may have no data, which SQLite would take as NULL.
    const char* data = text.data() == nullptr ? "" : text.data();
    check(
        sqlite3_bind_text64(statement_, next_++, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    return *this;
}

Query& Query::bind_blob(std::span<const std::uint8_t> bytes) {
    check(sqlite3_bind_blob64(statement_, next_++, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
    return *this;
}

Query& Query::bind_null() {
    check(sqlite3_bind_null(statement_, next_++));
    return *this;
}

bool Query::step() {
    int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    throw last_error(sqlite3_db_handle(statement_));
}

void Query::run() {
    while (step()) {
    }
}

bool Query::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Query::text(int column) const {
    const unsigned char* data = sqlite3_column_text(statement_, column);
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

JobId Query::job_id(int column) const {
    IdBytes bytes{};
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    if (data != nullptr && size == bytes.size()) std::copy(data, data + size, bytes.begin());
    return JobId(bytes);
}

std::optional<std::int64_t> Query::optional_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
}
std::optional<std::string> Query::optional_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional(text(column));
}
std::optional<TimePoint> Query::optional_time(int column) const {
    return is_null(column) ? std::nullopt : std::optional(time(column));
}

Database::Database(const std::filesystem::path& path, Mode mode) {
    leave_memory_uncounted();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (mode == Mode::writer) {
        make_private(path);
        flags |= SQLITE_OPEN_CREATE;  // where the file layer is another one (a simulated disk)
    }
    int code = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) {
        std::string message = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
        int system_error = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
        (void)sqlite3_close_v2(std::exchange(handle_, nullptr));
        throw SqliteError(code, message, system_error);
    }
    try {
        configure(mode);
    } catch (...) {
        (void)sqlite3_close_v2(std::exchange(handle_, nullptr));
        throw;
    }
}

Database::~Database() {
    for (auto& [sql, statement] : literals_)
        (void)sqlite3_finalize(statement);
    for (auto& [sql, statement] : texts_)
        (void)sqlite3_finalize(statement);
    (void)sqlite3_close_v2(handle_);
}

void Database::configure(Mode mode) {
    (void)sqlite3_extended_result_codes(handle_, 1);
    (void)sqlite3_busy_timeout(handle_, busy_timeout_ms);
    set_checkpoint_on_close(false);
    // Before DEFENSIVE, which refuses it without an error.
    if (mode == Mode::copy) exec("PRAGMA journal_mode=OFF");
    (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    if (mode == Mode::writer) {
        // WAL with FULL: one fdatasync a commit, and what was acknowledged survives a power cut.
        // In force only before WAL and the first table; later it would be a write of its own.
        bool is_new = false;
        {
            Query pages = query("PRAGMA page_count");
            is_new = pages.step() && pages.integer(0) == 0;
        }
        if (is_new) exec("PRAGMA auto_vacuum=INCREMENTAL");
        exec("PRAGMA journal_mode=WAL");
        exec(mutated("syncs_nothing") ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=FULL");
        exec("PRAGMA secure_delete=OFF");
        exec("PRAGMA journal_size_limit=67108864");
        // Takes the place of SQLite's own automatic checkpoint, which keeps its errors to itself.
        (void)sqlite3_wal_hook(handle_, &Database::on_wal, this);
    } else if (mode == Mode::checkpointer) {
        // The log is found only by a connection that has read the file.
        exec("PRAGMA schema_version");
        exec("PRAGMA synchronous=FULL");
    } else if (mode == Mode::copy) {
        exec("PRAGMA synchronous=OFF");
    } else {
        exec("PRAGMA query_only=ON");
    }
    exec("PRAGMA temp_store=MEMORY");
}

void Database::set_checkpoint_on_close(bool on) {
    (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

std::optional<int> Database::checkpoint() {
    int copied = 0;
    int code =
        sqlite3_wal_checkpoint_v2(handle_, "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
    if (code == SQLITE_OK) return std::max(copied, 0);
    SqliteError error = last_error(handle_);
    if (error.kind() != SqliteError::Kind::busy) throw error;
    return std::nullopt;
}

/// Called by SQLite after a commit. What it returned would be the commit's error, though that
/// stands.
int Database::on_wal(void* self, sqlite3*, const char*, int pages) {
    auto& database = *static_cast<Database*>(self);
    database.log_pages_ = pages;
    if (pages < database.checkpoint_at_) return SQLITE_OK;
    try {
        (void)database.checkpoint();
    } catch (const SqliteError& error) {
        database.checkpoint_error_ = error;
    }
    return SQLITE_OK;
}

void Database::raise(int code, std::string_view what) const {
    throw SqliteError(
        code, fmt::format("{}: {}", what, sqlite3_errmsg(handle_)), sqlite3_system_errno(handle_));
}

sqlite3_stmt* Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v3(handle_,
                                  sql.data(),
                                  static_cast<int>(sql.size()),
                                  SQLITE_PREPARE_PERSISTENT,
                                  &statement,
                                  nullptr);
    if (code != SQLITE_OK) raise(code, sql);
    return statement;
}

Query Database::query(const char* sql) {
    auto& statement = literals_[sql];
    if (statement == nullptr) statement = prepare(sql);
    return Query(statement);
}

Query Database::query_text(const std::string& sql) {
    auto& statement = texts_[sql];
    if (statement == nullptr) statement = prepare(sql);
    return Query(statement);
}

void Database::exec(const char* sql) {
    exec(sql, nullptr, nullptr);
}

void Database::exec(const char* sql, int (*row)(void*, int, char**, char**), void* argument) {
    int code = sqlite3_exec(handle_, sql, row, argument, nullptr);
    if (code != SQLITE_OK) raise(sqlite3_extended_errcode(handle_), sql);
}

}  // namespace scheduler
