#pragma once
/// One SQLite connection with its prepared statements. Used by one thread at a time; opened without
/// SQLite's own mutex. Inside store/sqlite a failing call throws SqliteError, which the store turns
/// into an Error at its border. Source: sqlite.org/c3ref, SQLite 3.40.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

#include "common/ids.hpp"
#include "common/result.hpp"
#include "common/time.hpp"

namespace scheduler {

/// Makes an empty file with mode 0600, or gives one that exists that mode.
void make_private(const std::filesystem::path& path);

/// `code` is SQLite's extended result code, `os_error` the errno of the call that failed (0 where
/// none did).
struct SqliteError : std::runtime_error {
    /// What a failure means for whoever goes on.
    enum class Kind {
        disk_full,  ///< nothing was written; goes on when there is space
        io,         ///< the disk failed, or can't be written any more: stop
        damage,     ///< the file is not what was written: stop
        busy,       ///< another program holds a lock
        other,
    };
    SqliteError(int result_code, const std::string& message, int system_error = 0)
        : std::runtime_error(message), code(result_code), os_error(system_error) {}
    int code;
    int os_error;
    [[nodiscard]] Kind kind() const;
    /// Nothing may be read or written after it.
    [[nodiscard]] bool is_fatal() const { return kind() == Kind::io || kind() == Kind::damage; }
};

class Statement;

/// A statement in use: reset when it goes out of scope. Columns count from 0, parameters are bound
/// in order.
class Query {
  public:
    explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
    Query(Query&& other) noexcept
        : statement_(std::exchange(other.statement_, nullptr)), next_(other.next_) {}
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    Query& operator=(Query&&) = delete;
    ~Query();

    Query& bind(std::int64_t value);
    Query& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
    Query& bind(std::string_view text);
    Query& bind(const char* text) { return bind(std::string_view(text)); }
    Query& bind(TimePoint at) {
        return bind(static_cast<std::int64_t>(at.time_since_epoch().count()));
    }
    template <class Tag>
    Query& bind(const Id<Tag>& id) {
        return bind_blob(id.bytes());
    }
    Query& bind_blob(std::span<const std::uint8_t> bytes);
    Query& bind_null();
    template <class T>
    Query& bind(const std::optional<T>& value) {
        return value ? bind(*value) : bind_null();
    }

    /// True while there is a row.
    bool step();
    /// Steps to the end.
    void run();

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] TimePoint time(int column) const { return TimePoint(Duration(integer(column))); }
    [[nodiscard]] JobId job_id(int column) const;
    [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
    [[nodiscard]] std::optional<std::string> optional_text(int column) const;
    [[nodiscard]] std::optional<TimePoint> optional_time(int column) const;

  private:
    void check(int code) const;
    sqlite3_stmt* statement_;
    int next_ = 1;
};

class Database {
  public:
    /// 4 MiB.
    static constexpr int checkpoint_pages = 1000;
    /// A copy is written in one piece and synced by whoever has it made.
    enum class Mode { writer, reader, checkpointer, copy };
    /// Opens (a writer creates) the file and sets its pragmas. Throws SqliteError.
    Database(const std::filesystem::path& path, Mode mode);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// The prepared statement for this SQL, made at its first use and kept. `sql` must be a
    /// literal, or live as long as the connection: its address is the key.
    Query query(const char* sql);
    /// The same for text that is put together at run time (the lists' filters); kept by its
    /// content.
    Query query_text(const std::string& sql);
    /// One or several statements without parameters or rows.
    void exec(const char* sql);
    /// The same, with SQLite's callback for each row (all columns as text).
    void exec(const char* sql, int (*row)(void*, int, char**, char**), void* argument);

    [[nodiscard]] int changes() const { return sqlite3_changes(handle_); }
    /// Rows changed since it was opened.
    [[nodiscard]] std::int64_t total_changes() const { return sqlite3_total_changes64(handle_); }
    [[nodiscard]] std::int64_t last_insert_rowid() const {
        return sqlite3_last_insert_rowid(handle_);
    }
    /// False after SQLite rolled a transaction back by itself (disk full, I/O error).
    [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
    [[nodiscard]] sqlite3* handle() const { return handle_; }
    /// Copies what it can of the log of writes into the database, without waiting for a reader or
    /// writer; returns how many of the log's pages are in the database now, or nothing when another
    /// checkpoint is under way. Throws SqliteError.
    std::optional<int> checkpoint();
    /// Pages in the log from which a commit runs a checkpoint (by default `checkpoint_pages`).
    void set_commits_checkpoint_at(int pages) { checkpoint_at_ = pages; }
    /// Pages in the log after the last commit.
    [[nodiscard]] int log_pages() const { return log_pages_; }
    /// What the last checkpoint of a commit failed with, once. The commit stands.
    std::optional<SqliteError> take_checkpoint_error() {
        return std::exchange(checkpoint_error_, std::nullopt);
    }
    /// Closing the last connection copies the log of writes into the database, if told to. After a
    /// failed write or a damage that must not be: the log has checksums, and a checkpoint copies
    /// its pages unseen.
    void set_checkpoint_on_close(bool on);

  private:
    static int on_wal(void* self, sqlite3* handle, const char* schema, int frames);
    sqlite3_stmt* prepare(std::string_view sql);
    void configure(Mode mode);
    [[noreturn]] void raise(int code, std::string_view what) const;

    sqlite3* handle_ = nullptr;
    int checkpoint_at_ = checkpoint_pages;
    int log_pages_ = 0;
    std::optional<SqliteError> checkpoint_error_;
    std::unordered_map<const char*, sqlite3_stmt*> literals_;
    std::unordered_map<std::string, sqlite3_stmt*> texts_;
};

}  // namespace scheduler
