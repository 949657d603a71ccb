#include "daemon/store/sqlite/wal.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "daemon/store/sqlite/database.hpp"

namespace scheduler {
namespace {

/// SQLite 3.40 writes the lowest 17 bits of a length at a time (os_unix.c, seekAndWriteFd): with
/// more than that, a length that they make 0 is a full disk to it.
constexpr sqlite3_int64 piece_bytes = 64 * 1024;

void check(int code, const std::filesystem::path& database) {
    if (code == SQLITE_OK) return;
    throw SqliteError(code, "the log " + database.native() + "-wal: " + sqlite3_errstr(code));
}

/// The log through SQLite's own file layer (sqlite.org/c3ref/vfs.html).
class LogFile {
  public:
    explicit LogFile(const std::filesystem::path& database)
        : database_(database),
          name_(sqlite3_create_filename(database.c_str(),
                                        (database.native() + "-journal").c_str(),
                                        (database.native() + "-wal").c_str(),
                                        0,
                                        nullptr),
                sqlite3_free_filename),
          vfs_(sqlite3_vfs_find(nullptr)),
          memory_(static_cast<std::size_t>(vfs_->szOsFile)) {}
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile() {
        if (file()->pMethods != nullptr) (void)file()->pMethods->xClose(file());
    }

    /// False when there is none.
    bool open() {
        const char* path = sqlite3_filename_wal(name_.get());
        int exists = 0;
        check(vfs_->xAccess(vfs_, path, SQLITE_ACCESS_EXISTS, &exists), database_);
        if (exists == 0) return false;
        constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL;
        check(vfs_->xOpen(vfs_, path, file(), flags, nullptr), database_);
        return true;
    }
    void write_anew() {
        sqlite3_int64 size = 0;
        check(file()->pMethods->xFileSize(file(), &size), database_);
        std::vector<char> piece(static_cast<std::size_t>(std::min(size, piece_bytes)));
        for (sqlite3_int64 at = 0; at < size; at += piece_bytes) {
            int length = static_cast<int>(std::min(size - at, piece_bytes));
            check(file()->pMethods->xRead(file(), piece.data(), length, at), database_);
            check(file()->pMethods->xWrite(file(), piece.data(), length, at), database_);
        }
        if (size > 0) check(file()->pMethods->xSync(file(), SQLITE_SYNC_NORMAL), database_);
    }

  private:
    sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory_.data()); }

    const std::filesystem::path& database_;
    std::unique_ptr<const char, void (*)(sqlite3_filename)> name_;
    sqlite3_vfs* vfs_;
    std::vector<std::max_align_t> memory_;
};

}  // namespace

void write_wal_anew(const std::filesystem::path& database) {
    LogFile log(database);
    if (log.open()) log.write_anew();
}

}  // namespace scheduler
