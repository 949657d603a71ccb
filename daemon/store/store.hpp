#pragma once
/// Store: what remembers jobs, with the verbs of the domain. Every state change is one conditional
/// update, so that the row decides races. Writes that wait while a commit is under way go into the
/// next transaction together; each is answered after its commit, on the store's writer thread (wrap
/// replies with `reply_on`), and a failing one does not fail its neighbours. Reads run in place on
/// the calling thread and are short. After a failed fsync no write is accepted until restart
/// (docs/architecture.md): writes answer `unavailable`.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/requests/list.hpp"
#include "common/requests/subscribe.hpp"
#include "daemon/base/reply.hpp"

namespace scheduler {

/// A job as it is submitted. Its id and number are given by the store.
struct NewJob {
    std::string name;
    JobSpec spec;
    TimePoint created_at{};
    TimePoint due_at{};
    std::optional<std::string> key;  ///< idempotency key, unique in the store
    std::string
        request_hash;  ///< of the request as sent; another one under the same key is key_reused
    std::string submitted_by;
    std::optional<Error> refusal = {};  ///< of a new job: a repeat under its key is not refused
};

struct AddedJob {
    Job job;
    bool replayed =
        false;  ///< the key had been used by the same request: this is the first one's job
};

/// Why due jobs were not claimed for a while.
struct Hindrance {
    std::string reason;  ///< `the engine was unreachable`
    TimePoint until{};
};

/// What may be claimed now.
struct ClaimLimits {
    TimePoint now{};
    int jobs_max = 0;
    std::string engine_id;
    std::vector<Hindrance> hindrances =
        {};  ///< what a late job's event says: the last one of its wait
};

/// A running row: everything that is needed to bring it to its end.
struct RunningJob {
    JobId id;
    std::int64_t number = 0;
    std::string name;
    JobSpec spec;
    int attempt = 1;
    TimePoint due_at{};
    TimePoint claimed_at{};
    std::string engine_id;
    std::optional<std::string> container_id;
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> deadline_at;
    std::optional<TimePoint> kill_requested_at;
    std::optional<std::string> kill_requested_by;
    bool kill_now = false;  ///< without a grace period
    std::optional<FinishStatus>
        stop_reason;  ///< killed or timed_out: committed before the stop was sent
};

struct ClaimResult {
    std::vector<RunningJob> jobs;
    std::optional<TimePoint>
        next_due_at;  ///< of what is still scheduled (may be in the past: more is due)
};

struct Outcome {
    FinishStatus finish = FinishStatus::failed;
    TimePoint finished_at{};
    std::optional<TimePoint> started_at;
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> error;
};

struct ListFilter {
    std::vector<JobStatus> status;
    std::vector<FinishStatus> finish_status;
    std::optional<std::string> job_name;
    std::optional<TimePoint> since;
    std::optional<TimePoint> until;
};

struct ListPage {
    std::vector<Job> jobs;
    std::optional<ListPosition> next;  ///< absent on the last page
};

struct PauseState {
    bool paused = false;
    std::optional<TimePoint> until;  ///< resumes by itself then
};

/// What a commit changed: for `wait`, event streams and the dispatcher. Called on the writer thread
/// after each commit that wrote events.
struct CommittedEvent {
    std::int64_t seq = 0;
    JobId job_id;
    JobStatus to = JobStatus::scheduled;
};
using CommitListener = UniqueFunction<void(const std::vector<CommittedEvent>&)>;

class Store {
  public:
    virtual ~Store() = default;

    // ---- writes ----
    /// All or none. Errors: key_reused, disk_full, unavailable.
    virtual void insert(std::vector<NewJob> jobs, Reply<std::vector<AddedJob>> reply) = 0;
    /// scheduled → running for due jobs in the order of rank; the claim is committed when this
    /// answers.
    virtual void claim_due(ClaimLimits limits, Reply<ClaimResult> reply) = 0;
    /// Commits the id of the attempt's container, unless a kill was requested: then false.
    virtual void set_container(JobId id,
                               int attempt,
                               std::string container_id,
                               Reply<bool> reply) = 0;
    virtual void set_started(JobId id,
                             int attempt,
                             TimePoint started_at,
                             std::optional<TimePoint> deadline_at,
                             Reply<Done> reply) = 0;
    /// killed or timed_out, committed before the stop is sent. The first one stands: replies with
    /// it.
    virtual void set_stop_reason(JobId id,
                                 int attempt,
                                 FinishStatus reason,
                                 Reply<FinishStatus> reply) = 0;
    /// running → finished. False when the attempt had ended already: the first outcome stands.
    virtual void finish(JobId id, int attempt, Outcome outcome, Reply<bool> reply) = 0;
    /// scheduled → canceled/did_not_run. Errors: job_not_found, job_running, job_in_history.
    virtual void cancel(JobId id, TimePoint at, std::string reason, Reply<Done> reply) = 0;
    /// due_at becomes `now`. Errors: job_not_found, job_running, job_in_history.
    virtual void make_due(JobId id, TimePoint now, Reply<Done> reply) = 0;
    /// Commits the wish. Errors: job_not_found, job_not_running, job_in_history.
    virtual void request_kill(
        JobId id, TimePoint at, std::string by, bool now, Reply<Done> reply) = 0;
    virtual void set_pause(PauseState pause, Reply<Done> reply) = 0;
    virtual void set_meta(std::string key, std::string value, Reply<Done> reply) = 0;

    // ---- reads ----
    /// With its specification (environment values as they are). `caller` gives `last` its meaning.
    /// Errors: job_not_found (`job with id X not found`); bad_request for an ambiguous prefix,
    /// listing at most 20 candidates.
    virtual Result<Job> find(const JobRef& ref, const std::string& caller) = 0;
    virtual Result<ListPage> list(const ListFilter& filter,
                                  std::optional<ListPosition> after,
                                  std::int64_t limit) = 0;
    /// The place of a job in lists as it is now. Errors: job_not_found.
    virtual Result<ListPosition> position_of(JobId id) = 0;
    /// All pages in one consistent picture, at most `jobs_max`; nothing when there are more.
    virtual Result<std::optional<std::vector<Job>>> list_all(const ListFilter& filter,
                                                             std::int64_t jobs_max) = 0;
    /// Running rows, by number.
    virtual Result<std::vector<RunningJob>> running() = 0;
    virtual Result<std::vector<JobEvent>> events_after(std::int64_t seq,
                                                       std::optional<JobId> job,
                                                       std::int64_t limit) = 0;
    /// The seq of the newest event (0: none), and of the oldest that is kept.
    virtual Result<std::int64_t> last_event() = 0;
    virtual Result<std::int64_t> first_event() = 0;
    /// Jobs by state: scheduled, running, and one a finish status. Never scans.
    virtual Result<std::map<std::string, std::int64_t>> counts() = 0;
    virtual Result<std::optional<TimePoint>> next_due() = 0;
    /// How many scheduled jobs are due at `now`, counted up to `max`.
    virtual Result<std::int64_t> count_overdue(TimePoint now, std::int64_t max) = 0;
    virtual Result<PauseState> pause_state() = 0;
    virtual Result<std::optional<std::string>> meta(const std::string& key) = 0;
    /// Empty while writes are accepted, else why not (disk full, failed fsync).
    virtual std::string write_trouble() = 0;
};

}  // namespace scheduler
