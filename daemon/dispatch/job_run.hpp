#pragma once
/// JobRun brings one running row to its end: create, commit the container's id, start, watch, copy
/// the output, commit the outcome, remove. Every step's answer leads to the next one; whenever a
/// step got no answer, or the daemon is new, `settle` looks at the container and goes on from what
/// it finds.
///
/// One that is to be tried again is scheduled anew in place of `finish`, and has a new run then.
///
///   begin ─▶ create ─▶ id committed ─▶ start ─▶ watching ─▶ copy output ─▶ finish ─▶ remove
///                │            │           │        │  ▲
///                └─ no answer ┴───────────┴────────┴──┴─▶ unsettled ─▶ settle
///
/// Rules (numbers in brackets are those of docs/architecture.md, "Started exactly once"):
///   - a row without a container id was certainly never started [2]
///   - a start is repeated only after a quiet time in which the engine answers at once, and
///     nothing is awaited between the inspect and the start; if the engine died under it, the job
///     is lost [3]
///   - a container that was made without a limit that the job asks for is not started
///   - stop_reason is committed before a stop is sent, and decides the outcome [4]
///   - output, then outcome, then removal [5]
///   - an end that we did not ask for, and that a restart of the engine explains, is lost [6]
///
/// Lives on the core. Owned by shared_ptr, since calls of several parts may be under way when it
/// ends.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/clock.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/random.hpp"
#include "daemon/dispatch/engine_link.hpp"
#include "daemon/dispatch/event_hub.hpp"
#include "daemon/dispatch/output_copy.hpp"
#include "daemon/engine/engine.hpp"
#include "daemon/spool/spool.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class JobRun;

/// The dispatcher, as a run sees it. Core only.
class RunOwner {
  public:
    /// Calls back, at once or later, when a start slot is free; the run then holds it.
    virtual void take_start_slot(std::shared_ptr<JobRun> run) = 0;
    virtual void release_start_slot() = 0;
    virtual void container_known(const std::string& container, JobId job) = 0;
    /// `is_clean`: no container of it is left; else a reconcile has to look.
    virtual void run_is_over(JobId job, bool is_clean) = 0;
    /// The job is scheduled again, and due then.
    virtual void attempt_is_due(TimePoint due) = 0;

  protected:
    ~RunOwner() = default;
};

/// What runs share. All parts outlive the runs.
struct RunParts {
    Engine& engine;
    Store& store;
    Spool& spool;
    EventHub& events;
    Metrics& metrics;
    const Clock& clock;
    Executor& core;
    Executor& disk;  ///< where output is written
    EngineLink& link;
    RunOwner& owner;
    std::string instance;
    RandomSource random = {};
};

class JobRun : public std::enable_shared_from_this<JobRun> {
  public:
    JobRun(RunParts& parts, RunningJob job);

    /// A fresh claim; the run holds a start slot.
    void begin();
    /// A row that another process claimed, or that stayed unsettled.
    void settle();

    /// Hints and wishes. Any of them may come at any time.
    void engine_is_up();
    void container_ended();
    /// What waits for it is tried at once.
    void disk_has_space();
    /// The wish is committed already. `now`: without grace.
    void kill(const std::string& by, bool now);
    /// Someone reads the output: it is copied as it comes from now on. Calls back when what was
    /// printed so far is in the spool, or can't be; the caller bounds its waiting.
    void want_output(UniqueFunction<void()> reply);
    /// What take_start_slot calls back.
    void got_start_slot();

    [[nodiscard]] const RunningJob& job() const { return job_; }
    /// Whether reconcile should look at it when its container is not listed as running.
    [[nodiscard]] bool is_watching() const { return step_ == Step::watching; }

  private:
    enum class Step {
        idle,
        creating,
        starting,
        waiting_to_repeat,  ///< for a start slot and the quiet time
        watching,
        settling,
        ending,  ///< from the container's end to the committed outcome
        removing,
        unsettled,  ///< waits for the engine or for its backoff
        over,
    };

    void create();
    void on_create_failed(const EngineFailure& failure);
    void adopt_by_name(const EngineFailure& why);
    void commit_container(std::string container, bool is_fresh);
    void start();
    void on_start_refused(const EngineFailure& failure);
    void on_started(TimePoint started_at);
    void watch();
    /// Copies the output as it comes, if the job runs and nobody does yet.
    void follow_output();
    void ask_for_output_again();
    void on_follow_ended(EngineResult<Done> end);
    void follow_again_later(Duration after);

    void on_state(const ContainerState& state);
    void on_gone();
    void on_never_started(const ContainerState& state);
    void wait_to_repeat_start();
    void wait_for_quiet(int steps);
    void wait_for_more_quiet();
    void inspect_and_start();
    /// Shows its container's state to `look`. One that is gone, and an engine that does not say,
    /// are dealt with here.
    void inspect(UniqueFunction<void(JobRun&, ContainerState)> look);
    /// By the wish that it be stopped, before it ran.
    void finish_stopped();
    void ask_for_memory();
    void inspect_and_give_up();

    void stop_what_runs(FinishStatus reason);
    void request_stop(FinishStatus reason);
    void send_stop();
    void stop_again_later();
    void set_deadline();
    void arm_deadline();
    void check_deadline();

    void end(const ContainerState& state);
    [[nodiscard]] Outcome outcome_of(const ContainerState& state, bool engine_restarted) const;
    [[nodiscard]] bool is_end_of_a_stop(const ContainerState& state) const;
    void copy_output(Outcome outcome);
    void output_not_kept(const Error& error, const Outcome& outcome);
    void wait_for_follow(Outcome outcome, std::uint64_t bytes_read);
    void complete_follow(Outcome outcome);
    void read_output_again(Outcome outcome);
    void store_output(Outcome outcome, Spool::Whole whole);
    void finish(Outcome outcome);
    [[nodiscard]] std::optional<Retry> next_attempt(const Outcome& outcome) const;
    void end_attempt(Outcome outcome, Retry next);
    void end_job(Outcome outcome);
    void outcome_is_stored(const Outcome& outcome, std::string_view event);
    void finish_without_container(FinishStatus status,
                                  std::optional<std::int64_t> exit_code,
                                  std::string error);
    void remove_container();
    void over();

    void unsettled(const EngineFailure& failure);
    void retry_later(UniqueFunction<void(JobRun&)> step);
    /// The same, for what the disk refused.
    void retry_write_later(UniqueFunction<void(JobRun&)> step);
    void retry_write();
    void release_slot();
    [[nodiscard]] bool is_on_this_engine() const;
    [[nodiscard]] bool is_stop_wanted() const {
        return kill_wanted_ || job_.stop_reason.has_value();
    }
    /// It was stopped by us, or is to be and surely never ran.
    [[nodiscard]] bool was_stopped() const {
        return job_.stop_reason || (kill_wanted_ && !start_may_be_sent_);
    }
    [[nodiscard]] FinishStatus stop_reason() const {
        return job_.stop_reason.value_or(FinishStatus::killed);
    }
    [[nodiscard]] std::string stop_words() const;
    /// Of output, where the job has one.
    [[nodiscard]] std::optional<std::uint64_t> own_log_limit() const;

    /// A reply that does nothing once the run is gone.
    template <class T, class E, class F>
    Reply<T, E> then(F function) {
        return
            [weak = weak_from_this(), function = std::move(function)](Result<T, E> result) mutable {
                if (auto self = weak.lock()) function(*self, std::move(result));
            };
    }
    /// The same for the store's replies, which come on its writer thread.
    template <class T, class F>
    Reply<T> then_on_core(F function) {
        return reply_on<T>(parts_.core, then<T, Error>(std::move(function)));
    }

    RunParts& parts_;
    RunningJob job_;
    Step step_ = Step::idle;
    bool holds_slot_ = false;
    bool start_may_be_sent_ = false;  ///< by this process or one before it
    bool kill_wanted_ = false;
    bool kill_now_ = false;
    bool stop_is_sent_ = false;
    bool was_sent_as_kill_ = false;  ///< the stop, without grace
    std::optional<SteadyPoint> deadline_;
    bool deadline_is_armed_ = false;
    bool may_have_container_ = false;    ///< until its removal is answered
    bool is_create_unanswered_ = false;  ///< it may be executed when all is over
    bool end_was_hinted_ = false;        ///< an end was reported while another step was under way
    UniqueFunction<void(JobRun&)> unwritten_;  ///< one at a time: a run does one thing
    int failures_ = 0;
    int refusals_ = 0;                      ///< of what an engine in trouble may do later
    Sighting seen_running_;                 ///< the last time; before this process, contact 0
    Duration quiet_step_{};                 ///< of the pings before a start is repeated
    SteadyPoint quiet_until_{};             ///< the engine's last answer before a start is repeated
    int memory_asked_in_ = 0;               ///< the same, when it was asked whether it restarted
    bool has_caught_up_ = false;            ///< the followed output
    std::shared_ptr<OutputCopy> follow_;    ///< reads
    std::shared_ptr<OutputCopy> followed_;  ///< has read until the engine said that it ended
    std::optional<Outcome> waits_for_follow_;
    std::vector<UniqueFunction<void()>> output_wanted_;  ///< by readers, until it can be shown
};

}  // namespace scheduler
