#pragma once
/// Read-only connections for the threads that read: as many as read at the same time, kept for the
/// next. Any thread.

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/result.hpp"
#include "daemon/store/sqlite/database.hpp"

namespace scheduler {

class ReaderPool {
  public:
    /// `on_fatal` is called, on the reading thread, for each failure after which nothing may be
    /// read.
    ReaderPool(std::filesystem::path path, std::function<void(const SqliteError&)> on_fatal)
        : path_(std::move(path)), on_fatal_(std::move(on_fatal)) {}

    /// Runs `read` (Database& → Result<T>) on a connection of its own, in place. No transaction or
    /// statement outlives the call. Errors: unavailable when the database can't be read; those of
    /// `read`.
    template <class Read>
    auto run(Read read) -> decltype(read(std::declval<Database&>())) {
        try {
            std::unique_ptr<Database> database = take();
            auto result = read(*database);
            give_back(std::move(database));
            return result;
        } catch (const SqliteError& error) {
            return fail(explain(error));
        }
    }

  private:
    std::unique_ptr<Database> take();
    void give_back(std::unique_ptr<Database> database);
    Error explain(const SqliteError& error);

    const std::filesystem::path path_;
    const std::function<void(const SqliteError&)> on_fatal_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Database>> free_;  ///< guarded by mutex_
};

}  // namespace scheduler
