#pragma once
/// EventHub tells who waits that something happened: a commit changed a job, or a job's output
/// grew. It carries no data: whoever is woken reads the store or the spool. Any thread; wakes are
/// called on the thread that reports (the store's writer, the core), without a lock held, and must
/// only post.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/store/store.hpp"

namespace scheduler {

class EventHub {
  public:
    using Wake = std::function<void()>;
    /// Watches end with their token. A wake may still be under way then: capture a weak_ptr.
    using Token = std::shared_ptr<const Wake>;

    static constexpr std::size_t watches_max = 4096;

    /// Wakes for one job, or for all with nothing. Errors: busy at watches_max.
    Result<Token> watch(std::optional<JobId> job, Wake wake);

    void committed(const std::vector<CommittedEvent>& events);
    void output_grew(JobId job);

  private:
    using Watches = std::vector<std::weak_ptr<const Wake>>;
    static void collect(Watches& watches, std::vector<Token>& alive);
    std::size_t count_alive();

    std::mutex mutex_;
    Watches for_all_;                             ///< guarded by mutex_
    std::unordered_map<JobId, Watches> for_one_;  ///< guarded by mutex_
    std::size_t size_ = 0;  ///< guarded by mutex_; also counts watches that ended
};

}  // namespace scheduler
