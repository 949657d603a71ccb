#include "daemon/store/sqlite/copy.hpp"

#include <utility>

namespace scheduler {

DatabaseCopy::DatabaseCopy(Database& source, std::filesystem::path file)
    : file_(std::move(file)), target_(std::make_unique<Database>(file_, Database::Mode::copy)) {
    backup_ = sqlite3_backup_init(target_->handle(), "main", source.handle(), "main");
    if (backup_ == nullptr)
        throw SqliteError(sqlite3_extended_errcode(target_->handle()),
                          sqlite3_errmsg(target_->handle()));
}

DatabaseCopy::~DatabaseCopy() {
    if (backup_ != nullptr) (void)sqlite3_backup_finish(backup_);
}

bool DatabaseCopy::copy_slice() {
    int code = sqlite3_backup_step(backup_, pages_a_slice);
    if (code == SQLITE_DONE) {
        code = sqlite3_backup_finish(std::exchange(backup_, nullptr));
        target_.reset();
        if (code == SQLITE_OK) return true;
        throw SqliteError(code, sqlite3_errstr(code));
    }
    // Another program holds a lock for a moment: the slice comes again.
    int primary = code & 0xff;
    if (code == SQLITE_OK || primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return false;
    throw SqliteError(code, sqlite3_errstr(code), sqlite3_system_errno(target_->handle()));
}

}  // namespace scheduler
