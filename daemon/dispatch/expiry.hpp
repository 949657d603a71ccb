#pragma once
/// Expiry ends jobs that were not started in their time, whatever kept them: no slot, a pause, an
/// engine that was away, a hold. It knows the next moment alone; the jobs are rows. Lives on the
/// core. Owned by the dispatcher, whose timer it shares.

#include <optional>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class Expiry {
  public:
    struct Parts {
        Store& store;
        const Clock& clock;
        Executor& core;
        UniqueFunction<std::vector<Hindrance>()> hindrances;
        UniqueFunction<void()> next_changed;
        UniqueFunction<void()> jobs_ended;
    };
    explicit Expiry(Parts parts) : parts_(std::move(parts)) {}

    /// What has expired ends, and the next moment is read.
    void look();
    /// A job expires then.
    void note(TimePoint expires_at);
    void timer_rang();
    void stop() { is_stopped_ = true; }
    /// When to ring; nothing while a look is under way.
    [[nodiscard]] std::optional<TimePoint> next() const;

  private:
    void looked(Result<ExpiryResult> result);

    Parts parts_;
    std::optional<TimePoint> next_;
    bool is_looking_ = false;
    bool is_stopped_ = false;
    Anchor<Expiry> anchor_{*this};
};

}  // namespace scheduler
