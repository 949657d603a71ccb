#pragma once
/// Fills a state directory with many jobs, fast and honestly: the store itself writes one job of
/// each kind, and SQL copies their rows with other numbers, ids and times. The columns are read
/// from the schema, so that a new one is copied too.

#include <cstdint>
#include <filesystem>
#include <future>

#include "daemon/base/clock.hpp"
#include "daemon/base/thread_executor.hpp"
#include "daemon/store/sqlite/sqlite_store.hpp"

namespace scheduler::bench {

/// Half of them are scheduled, a second apart, from a day ahead on; half have ended, a second
/// apart. The directory is empty.
void fill_state(const std::filesystem::path& dir, std::int64_t jobs);

/// A store in this process, on a state directory that no daemon uses meanwhile.
class OpenStore {
  public:
    explicit OpenStore(const std::filesystem::path& state_dir);
    ~OpenStore();
    OpenStore(const OpenStore&) = delete;
    OpenStore& operator=(const OpenStore&) = delete;

    SqliteStore& operator*() { return *store_; }
    SqliteStore* operator->() { return store_.get(); }
    [[nodiscard]] TimePoint now() const { return clock_.now(); }

    /// Waits for one write. Throws when it fails.
    template <class T, class Call>
    T wait(Call call) {
        std::promise<Result<T>> promise;
        auto future = promise.get_future();
        call(Reply<T>([&promise](Result<T> result) { promise.set_value(std::move(result)); }));
        Result<T> result = future.get();
        if (!result) throw std::runtime_error("the store refused: " + result.error().message);
        return std::move(*result);
    }

  private:
    SystemClock clock_;
    std::unique_ptr<ThreadExecutor> commits_ = std::make_unique<ThreadExecutor>("store");
    std::unique_ptr<SqliteStore> store_;
};

}  // namespace scheduler::bench
