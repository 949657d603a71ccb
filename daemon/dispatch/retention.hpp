#pragma once
/// Retention keeps history and stored output within limits: by age, by count, by bytes. It works in
/// rounds, one at a time: some time after jobs ended, when the oldest one gets too old, and when
/// someone orders a prune. A round is a row of small writes with pauses between them, each posted
/// only after the last one was committed, so that claims and submits get in between.
///
///   removals that a crash left ─▶ containers left over ─▶ jobs ─▶ outputs ─▶ free space given back
///
/// A job goes with its row, attempts, events and output, in one transaction; its files are removed
/// after the commit, and the store remembers them until they are gone. A row stays while a
/// container of it may be left: what that is, nobody could tell afterwards.
///
/// Lives on the core, but for the methods that say otherwise.

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/dispatch/reconciler.hpp"
#include "daemon/spool/ballast.hpp"
#include "daemon/spool/spool.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

/// Nothing: no limit.
struct RetentionLimits {
    std::optional<Duration> history_age = {};        ///< since a job's end
    std::optional<std::int64_t> history_count = {};  ///< jobs in history
    std::optional<std::int64_t> log_total = {};      ///< bytes of stored output of ended jobs
};

struct PruneReport {
    std::int64_t jobs = 0;
    std::int64_t outputs = 0;       ///< removed from jobs that stay
    std::int64_t output_bytes = 0;  ///< of both
    std::int64_t containers = 0;
    std::string warning;  ///< what was left, and why
};

class Retention {
  public:
    static constexpr std::int64_t jobs_a_batch = 100;
    static constexpr std::int64_t jobs_a_batch_on_full_disk = 10;
    static constexpr std::int64_t jobs_a_preview = 1000;
    static constexpr std::int64_t pages_a_slice = 256;  ///< 1 MiB
    static constexpr std::int64_t pages_kept_free = 1024;
    static constexpr std::int64_t orders_waiting_max = 16;
    static constexpr Duration pause = std::chrono::milliseconds(20);
    static constexpr Duration after_jobs_ended = std::chrono::seconds(10);
    static constexpr Duration round_soonest = std::chrono::seconds(60);
    static constexpr Duration round_latest = std::chrono::hours(1);
    /// A wall clock that jumped, or that this process sees for the first time, is not believed for
    /// so long: history is not removed by its age, unless an age is ordered.
    static constexpr Duration clock_settles_in = std::chrono::minutes(10);
    static constexpr Duration clock_jump = std::chrono::minutes(1);

    struct Parts {
        Store& store;
        Spool& spool;
        Reconciler& reconciler;
        Metrics& metrics;
        const Clock& clock;
        Executor& core;
        Executor& disk;  ///< where files are removed
        std::function<bool()> engine_is_up;
        std::function<std::vector<JobId>()> runs;  ///< that are not over
        Reconciler::IsOurs is_run;                 ///< an attempt of one of them
    };
    explicit Retention(Parts parts);

    /// The first round comes soon after. `ballast`: its path; empty: none.
    void start(std::filesystem::path ballast);
    /// Whoever waits for an order gets `unavailable`.
    void stop();
    void set_limits(RetentionLimits limits);

    // ---- any thread ----
    void jobs_ended();
    void disk_is_full();
    /// Removes what is over these limits now, or over those that are set; with `dry_run` says what
    /// would be. Replies on the core. Errors: busy, disk_full, unavailable.
    void prune(std::optional<RetentionLimits> limits, bool dry_run, Reply<PruneReport> reply);

  private:
    struct Round {
        RetentionLimits limits = {};
        bool has_own_limits = false;  ///< given with the order
        bool dry_run = false;
        bool is_ordered = false;
        Reply<PruneReport> reply = {};
        PruneReport report = {};
        TimePoint ended_before{};
        HistoryPlace place = {};
        std::optional<JobId> removals_tried = {};  ///< of those that were left, up to this one
        bool has_begun = false;  ///< there is something to do in this step: no need to look first
        bool ballast_is_dropped = false;
        bool has_told_of_kept = false;
    };
    using Step = void (Retention::*)();

    static void refuse_stopped(Round& round);
    void wake_in(Duration delay);
    void enqueue(std::unique_ptr<Round> round);
    void begin_next();
    void begin_background();
    [[nodiscard]] std::int64_t orders_waiting() const;
    void set_cutoff();
    void finish_removals();
    void containers();
    void jobs();
    void preview_jobs();
    void on_jobs_pruned(Result<PruneResult> result);
    void outputs();
    void preview_outputs();
    void on_outputs_pruned(Result<PruneResult> result);
    void space();
    void end_round(std::optional<Error> error);
    void next_step(Step step);
    void later(Step step);
    /// Removes the files, lets the store forget them, and goes on.
    void remove_files(std::vector<Removal> removals, Step then);
    /// A full disk: drops the ballast once and repeats the step. Everything else ends the round.
    void on_error(const Error& error, Step step);
    [[nodiscard]] PruneBatch batch() const;
    void warn(std::string_view what);
    void warn_of_kept_jobs();
    [[nodiscard]] std::int64_t batch_max() const;
    [[nodiscard]] bool clock_is_settled();
    [[nodiscard]] Duration next_round_in();

    /// A closure for the core that does nothing once this is gone.
    template <class F>
    auto guarded(F function) {
        return [weak = anchor_.weak(), function = std::move(function)](auto&&... args) mutable {
            auto* self = weak.get();
            if (self && !self->is_stopped_) function(*self, std::forward<decltype(args)>(args)...);
        };
    }
    template <class T, class F>
    Reply<T> then(F function) {
        Reply<T> reply = guarded(std::move(function));
        return reply_on<T>(parts_.core, std::move(reply));
    }

    Parts parts_;
    RetentionLimits limits_;
    /// Shared with the closures on the disk's thread.
    std::shared_ptr<Ballast> ballast_ = std::make_shared<Ballast>(std::filesystem::path());
    bool is_started_ = false;
    bool is_stopped_ = false;
    std::unique_ptr<Round> round_;
    std::deque<std::unique_ptr<Round>> waiting_;
    std::optional<SteadyPoint> wakes_at_;
    std::optional<Duration> wall_offset_;  ///< wall clock − steady clock, when last looked at
    SteadyPoint clock_settled_at_{};
    std::atomic<bool> jobs_ended_ = false;  ///< a wake-up for it is on its way
    Anchor<Retention> anchor_{*this};
};

}  // namespace scheduler
