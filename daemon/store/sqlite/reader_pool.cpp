#include "daemon/store/sqlite/reader_pool.hpp"

#include <fmt/format.h>

#include "daemon/base/log.hpp"

namespace scheduler {

std::unique_ptr<Database> ReaderPool::take() {
    {
        std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            auto database = std::move(free_.back());
            free_.pop_back();
            return database;
        }
    }
    return std::make_unique<Database>(path_, Database::Mode::reader);
}

void ReaderPool::give_back(std::unique_ptr<Database> database) {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(database));
}

/// A connection that failed is not given back, so the next read opens a new one.
Error ReaderPool::explain(const SqliteError& error) {
    log_error("store_read_failed", {{"error", error.what()}, {"code", error.code}});
    if (error.is_fatal() && on_fatal_) on_fatal_(error);
    return {ErrorCode::unavailable, fmt::format("the database can't be read: {}", error.what())};
}

}  // namespace scheduler
