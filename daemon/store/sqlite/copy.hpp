#pragma once
/// DatabaseCopy: the database into another file by SQLite's backup API. What the source's own
/// connection commits between two slices is copied too, so the copy is consistent as of its last
/// slice. Lives on the source connection's thread, outside of transactions; ended before the source
/// is closed. Source: sqlite.org/c3ref/backup_finish.html.

#include <filesystem>
#include <memory>

#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

class DatabaseCopy {
  public:
    static constexpr int pages_a_slice = 1024;  ///< 4 MiB

    /// `file` is there, and empty. Throws SqliteError.
    DatabaseCopy(Database& source, std::filesystem::path file);
    ~DatabaseCopy();
    DatabaseCopy(const DatabaseCopy&) = delete;
    DatabaseCopy& operator=(const DatabaseCopy&) = delete;

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    /// True when all is copied. Throws SqliteError.
    bool copy_slice();

  private:
    std::filesystem::path file_;
    std::unique_ptr<Database> target_;
    sqlite3_backup* backup_ = nullptr;
};

}  // namespace scheduler
