#pragma once
/// HoldUps remembers what last kept due jobs from being claimed, for who asks why one was late.
/// Owned by the dispatcher. Lives on the core, but for `starts_taken`, which any thread may ask.

#include <atomic>
#include <optional>
#include <vector>

#include "daemon/store/store.hpp"

namespace scheduler {

class HoldUps {
  public:
    void daemon_started(TimePoint now) { started_at_ = now; }
    /// Which limits leave no room now: containers that run, containers that are being started.
    void note_limits(bool no_slot, bool no_start, int max_running, int max_starting, TimePoint now);
    /// A claim found something due and gave out nothing.
    void note_pause(bool is_paused) { is_paused_ = is_paused; }
    /// The last claim could not be committed; nothing: it was.
    void note_write(std::optional<ErrorCode> failed) { write_failed_ = failed; }

    /// For a claim, or an end without one, that is made now. What lasts until then lasts until
    /// `now`.
    [[nodiscard]] std::vector<Hindrance> known(TimePoint now) const;

    /// How many containers are being started, if no more may be; else 0.
    [[nodiscard]] int starts_taken() const { return starts_taken_.load(); }

  private:
    /// One limit: whether it leaves no room, and until when it last did.
    struct Limit {
        int value = 0;
        TimePoint until{};
        bool is_reached = false;
        void note(bool reached, int of, TimePoint now);
        [[nodiscard]] TimePoint lasted_until(TimePoint now) const {
            return is_reached ? now : until;
        }
    };

    TimePoint started_at_{};
    Limit slots_;
    Limit starts_;
    bool is_paused_ = false;
    std::optional<ErrorCode> write_failed_;
    std::atomic<int> starts_taken_ = 0;
};

}  // namespace scheduler
