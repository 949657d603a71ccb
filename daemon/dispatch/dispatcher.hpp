#pragma once
/// Dispatcher: claims due jobs when the engine can start them, and brings every running row to its
/// end. It holds no list of scheduled jobs: what waits, waits in the store. Memory is one JobRun a
/// running job. Lives on the core, but for the methods that say otherwise. Owns the link to the
/// engine and the runs.

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "daemon/base/anchor.hpp"
#include "daemon/base/wall_timer.hpp"
#include "daemon/dispatch/expiry.hpp"
#include "daemon/dispatch/hold_ups.hpp"
#include "daemon/dispatch/job_run.hpp"
#include "daemon/dispatch/reconciler.hpp"
#include "daemon/dispatch/retention.hpp"
#include "daemon/dispatch/survey.hpp"

namespace scheduler {

struct DispatchOptions {
    int max_running = 100;
    int max_starting = 0;  ///< 0: twice the engine's cores
    RetentionLimits retention = {};
    std::filesystem::path ballast = {};  ///< see Retention::start; looked at in `start` only
};

class Dispatcher final : public RunOwner {
  public:
    struct Parts {
        Engine& engine;
        Store& store;
        Spool& spool;
        EventHub& events;
        Metrics& metrics;
        const Clock& clock;
        Executor& core;
        Executor& disk;
        WallTimer& due_timer;  ///< calls due_timer_rang
        std::string instance;
        bool engine_is_given = false;
        RandomSource random = {};  ///< spreads attempts that are tried again; none: it does not
    };
    Dispatcher(Parts parts, DispatchOptions options);
    ~Dispatcher();

    /// Takes over the rows that are running, and connects. Errors: those of the store.
    Result<Done> start();
    /// Claims nothing any more; what is claimed goes on. The first step of a stop.
    void stop_claiming();
    /// Settles nothing any more. Running containers go on; they are adopted at the next start.
    void stop();

    void due_timer_rang();
    void set_options(DispatchOptions options);

    // ---- any thread ----
    /// A job was committed that is due then, and is not started any more from `expires_at` on.
    void wake_at(TimePoint due, std::optional<TimePoint> expires_at = std::nullopt);
    /// Something else changed (resumed).
    void wake();
    /// Jobs moved to history without a run of theirs.
    void jobs_ended() { retention_.jobs_ended(); }
    void disk_is_full() { retention_.disk_is_full(); }
    /// It takes writes again.
    void disk_has_space();
    /// See Retention::prune. Nothing: the limits in force.
    void prune(std::optional<RetentionLimits> limits, bool dry_run, Reply<PruneReport> reply);
    /// The wish is committed.
    void kill(JobId job, std::string by, bool now);
    [[nodiscard]] EngineStatus engine_status() const { return link_.status(); }
    /// See HoldUps.
    [[nodiscard]] int starts_taken() const { return hold_ups_.starts_taken(); }
    /// Asks the engine whether it is there, unless that is known: a hang tells nobody. The answer
    /// is in a later `engine_status`.
    void look_after_engine();
    /// Whether the engine has an image; replies at once where that is known, else on the core.
    /// Nothing when the engine can't be asked.
    void has_image(std::string reference, UniqueFunction<void(std::optional<bool>)> reply);
    /// Someone reads the output of a job that may run: copy it from now on. Replies, on the core,
    /// when what it printed so far is in the spool.
    void want_output(JobId job, UniqueFunction<void()> reply);
    /// Lists the engine's containers, and what is known here. Replies on the core.
    void survey(UniqueFunction<void(Survey)> reply);

    // ---- RunOwner ----
    void take_start_slot(std::shared_ptr<JobRun> run) override;
    void release_start_slot() override;
    void container_known(const std::string& container, JobId job) override;
    void run_is_over(JobId job, bool is_clean) override;
    void attempt_is_due(TimePoint due) override;

  private:
    [[nodiscard]] std::vector<JobId> run_ids() const;
    [[nodiscard]] bool has_run(JobId job, std::int64_t attempt) const;
    void begin_run(RunningJob job);
    void begin_waiting_run(RunningJob job);
    /// A copy, since what is told to a run may end it.
    [[nodiscard]] std::vector<std::shared_ptr<JobRun>> all_runs() const;
    void engine_came_up();
    void container_ended(const std::string& container);
    void check_engine_later();
    void reconcile_later();
    void reconcile();
    void pump();
    void claim(int slots);
    [[nodiscard]] std::vector<Hindrance> hindrances() const;
    /// `until`: what is due later was not looked at.
    void on_claimed(TimePoint until, Result<ClaimResult> claimed);
    void note_due(std::optional<TimePoint> due);
    void arm_timer();
    void expiry_changed();
    void retry_claim_later();
    void hand_out_start_slots();
    bool image_is_known(const std::string& reference);
    void remember_image(const std::string& reference);
    JobRun& add_run(RunningJob job);
    [[nodiscard]] Survey known_here() const;
    [[nodiscard]] int max_starting() const;
    [[nodiscard]] int free_to_run() const;
    [[nodiscard]] int free_to_start() const;
    [[nodiscard]] int free_slots() const;

    Parts parts_;
    DispatchOptions options_;
    EngineLink link_;
    RunParts run_parts_;
    Reconciler reconciler_;
    Retention retention_;
    std::unordered_map<JobId, std::shared_ptr<JobRun>> runs_;
    /// Claimed, while the run of their last attempt removes its container.
    std::unordered_map<JobId, RunningJob> waiting_for_run_;
    std::unordered_map<std::string, JobId> containers_;
    std::deque<std::weak_ptr<JobRun>> waiting_for_slot_;
    int starting_ = 0;
    std::uint64_t claims_ = 0;
    std::optional<TimePoint> last_claimed_due_;
    HoldUps hold_ups_;
    bool is_claiming_ = false;
    bool claim_again_ = false;
    bool is_check_armed_ = false;
    bool is_retry_armed_ = false;
    bool is_reconcile_armed_ = false;
    bool is_look_owed_ = false;
    SteadyPoint settled_at_{};  ///< what lay in the engine when it came up is executed by then
    bool is_draining_ = false;
    bool stopped_ = false;
    /// Known earliest due time; nothing: none. A claim that found nothing though it was past
    /// (paused) sets it aside until something changes.
    std::optional<TimePoint> next_due_ = TimePoint{};
    /// The same for other threads, so that a submit far ahead need not wake the core.
    std::atomic<std::int64_t> next_due_ms_ = 0;
    Expiry expiry_;
    std::mutex images_mutex_;
    std::unordered_map<std::string, SteadyPoint> known_images_;  ///< guarded by images_mutex_
    Anchor<Dispatcher> anchor_{*this};
};

}  // namespace scheduler
