#pragma once
/// Store: what remembers jobs, with the verbs of the domain. Every state change is one conditional
/// update, so that the row decides races. Writes that wait while a commit is under way go into the
/// next transaction together; each is answered after its commit, on the store's writer thread (wrap
/// replies with `reply_on`), and a failing one does not fail its neighbours. Reads run in place on
/// the calling thread and are short. After a failed fsync no write is accepted until restart
/// (docs/architecture.md): writes answer `unavailable`.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/definition.hpp"
#include "common/group.hpp"
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
    std::optional<std::int64_t> definition_revision = {};  ///< of what its name was found to mean
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

/// What is not started any more.
struct ExpiryLimits {
    TimePoint now{};
    std::int64_t jobs_max = 500;
    std::vector<Hindrance> hindrances = {};  ///< as for a claim
};

struct ExpiryResult {
    std::int64_t jobs = 0;                 ///< that expired
    std::optional<TimePoint> next_expiry;  ///< may be in the past: more have expired
};

/// A running row: everything that is needed to bring it to its end.
struct RunningJob {
    JobId id;
    std::int64_t number = 0;
    std::string name;
    JobSpec spec;
    int attempt = 1;
    TimePoint due_at{};
    TimePoint created_at{};
    TimePoint claimed_at{};
    std::string engine_id;
    std::optional<std::string> container_id;
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> deadline_at;
    std::optional<TimePoint> kill_requested_at;
    std::optional<std::string> kill_requested_by;
    bool kill_now = false;                 ///< without a grace period
    std::optional<TimePoint> released_at;  ///< it was held until then
    std::optional<FinishStatus>
        stop_reason;  ///< killed or timed_out: committed before the stop was sent
};

struct ClaimResult {
    std::vector<RunningJob> jobs;
    std::optional<TimePoint>
        next_due_at;  ///< of what is still scheduled (may be in the past: more is due)
    bool is_paused = false;
    bool has_more = false;  ///< more may have come due than one claim looks at
};

struct Outcome {
    FinishStatus finish = FinishStatus::failed;
    TimePoint finished_at{};
    std::optional<TimePoint> started_at;
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> error;
    std::int64_t output_bytes = 0;  ///< of its stored output, which counts for the total
};

/// The next attempt of a job whose last one has ended.
struct Retry {
    TimePoint due_at{};
    std::string reason;  ///< what its event says
};

/// A place in history, oldest first.
struct HistoryPlace {
    TimePoint ended_at = TimePoint::min();
    std::int64_t number = 0;
};

/// What of history goes in one small write: the oldest ended jobs, as long as one of the limits
/// says so.
struct PruneBatch {
    std::optional<TimePoint> ended_before = {};  ///< by age
    std::optional<std::int64_t> jobs_kept = {};  ///< by count: as many of the newest stay
    /// Only jobs that were never claimed, by age alone: while nobody knows whether containers of
    /// ended jobs are left.
    bool only_never_started = false;
    std::vector<JobId> spared = {};  ///< their runs are not over
    std::int64_t jobs_max = 100;
    HistoryPlace after = {};
    std::int64_t jobs_before = 0;  ///< that a preview passed already
};

/// Output files that are to be removed; the store remembers that until `forget_removals`.
struct Removal {
    JobId id;
    int attempts = 1;
};

struct PruneResult {
    std::int64_t jobs = 0;
    std::int64_t output_bytes = 0;  ///< of their stored output
    std::vector<Removal> removals = {};
    HistoryPlace last = {};  ///< where the next batch begins
    bool has_more = false;
};

struct HistoryTotals {
    std::int64_t ended = 0;         ///< jobs in history
    std::int64_t purged = 0;        ///< jobs that were removed from it, ever
    std::int64_t output_bytes = 0;  ///< stored output of ended jobs
    std::int64_t free_pages = 0;    ///< of the database, which could be given back
    std::optional<TimePoint> oldest_ended_at = {};
};

/// A look at which outputs would go, after a look at which jobs would.
struct OutputPreview {
    std::int64_t bytes_kept = 0;
    std::int64_t jobs_max = 100;
    HistoryPlace after = {};            ///< what ended by then was passed already,
    std::vector<JobId> but_these = {};  ///< except these: their output is looked at first
    std::int64_t bytes_before = 0;      ///< of what would be gone by now
};

/// Jobs that are due and not started.
struct Overdue {
    std::int64_t jobs = 0;
    std::optional<TimePoint> since = {};  ///< the first one's wait
    std::int64_t in_groups = 0;           ///< of these, jobs of groups that were set
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
    std::optional<TimePoint> until = {};  ///< resumes by itself then
    /// Restored from a backup and not resumed since: it goes on only when it is told to.
    bool is_restored = false;
};

/// What a pause or a resume came to.
struct PauseChange {
    PauseState stands;
    std::int64_t missed = 0;  ///< jobs that did not run, since the original may have run them
};

/// A transition, as its event tells it.
struct Transition {
    std::int64_t seq = 0;
    TimePoint at{};
    std::optional<JobStatus> from;
    JobStatus to = JobStatus::scheduled;
    std::optional<std::string> reason;
};

/// All that is remembered of a job, read at one moment.
struct JobRecord {
    static constexpr std::int64_t transitions_max = 1000;  ///< what is older is not read

    Job job;  ///< without its specification
    std::optional<TimePoint> claimed_at;
    std::optional<std::string> engine_id;
    std::vector<Transition> transitions;         ///< oldest first
    std::vector<Attempt> attempts;               ///< finished ones, by number
    std::optional<std::string> waits_for_group;  ///< it is due, and of this group
    /// Of the stored files of its attempts, when it ended. Nothing before schema 2.
    std::optional<std::int64_t> output_bytes;
    std::string damage;  ///< why the row can't be read: then only id and number are
};

/// What the store counts, at one moment.
struct Tally {
    std::int64_t last_event = 0;
    std::map<std::string, std::int64_t> counted;  ///< as `counts`
    std::int64_t purged = 0;                      ///< jobs removed from history, ever
};

/// What becomes of a scheduled job.
struct JobEdit {
    std::optional<TimePoint> due_at = {};
    /// From what it runs now to what it is to run, on the writer's thread, perhaps more than once.
    /// Null: the same.
    std::function<Result<JobSpec>(const Job&)> change_spec = {};
};

/// Who changes definitions, and which ones that may be.
struct DefinitionChange {
    TimePoint at{};
    std::string by;
    /// Asked, on the writer's thread, before one that is there is replaced or removed.
    std::function<Result<Done>(const Definition&)> may_change;
};

struct SetDefinition {
    Definition definition;  ///< environment values as they are
    bool is_changed = true;
};

struct DefinitionPage {
    std::vector<Definition> definitions;  ///< by name; environment values as they are
    bool has_more = false;
};

/// What becomes of a group; one that was never set is made.
struct GroupEdit {
    struct Pause {
        bool is_paused = false;
        std::optional<TimePoint> until = {};
    };
    TimePoint at{};
    std::string by;
    /// Outer: whether it changes. Inner nothing: no limit.
    std::optional<std::optional<std::int64_t>> max_running = {};
    std::optional<Pause> pause = {};
    bool must_exist = false;
};

struct GroupPage {
    std::vector<Group> groups;  ///< by name
    bool has_more = false;
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
    /// scheduled → canceled/did_not_run for jobs that were not started in their time, also held
    /// ones. A claim passes them over already.
    virtual void expire(ExpiryLimits limits, Reply<ExpiryResult> reply) = 0;
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
    /// running → scheduled: the attempt has ended so, and another one is due. False when it had
    /// ended already, or a kill was asked for: then nothing was changed.
    virtual void retry(JobId id, int attempt, Outcome outcome, Retry next, Reply<bool> reply) = 0;
    /// scheduled → canceled/did_not_run. Errors: job_not_found, job_running, job_in_history.
    virtual void cancel(JobId id, TimePoint at, std::string reason, Reply<Done> reply) = 0;
    /// due_at becomes `now`, and a held job is released. Replies when it expires, which one that
    /// was started before does not. Errors:
    /// job_not_found, job_running, job_in_history.
    virtual void make_due(JobId id, TimePoint now, Reply<std::optional<TimePoint>> reply) = 0;
    /// A held job is not claimed, whatever its time. Errors: job_not_found, job_running,
    /// job_in_history.
    virtual void hold(JobId id, std::string by, Reply<Done> reply) = 0;
    /// Replies when it is due; nothing: it was not held. Errors: as above.
    virtual void release(JobId id, TimePoint at, Reply<std::optional<TimePoint>> reply) = 0;
    /// Replies with the job as it is then. Errors: as above, and those of `change_spec`.
    virtual void edit(JobId id, JobEdit edit, Reply<Job> reply) = 0;
    /// Commits the wish. Errors: job_not_found, job_not_running, job_in_history.
    virtual void request_kill(
        JobId id, TimePoint at, std::string by, bool now, Reply<Done> reply) = 0;
    virtual void set_pause(PauseState pause, Reply<PauseChange> reply) = 0;
    /// All or none; replies in the order given. One that is there with the same specification
    /// already stays as it is. A value `hidden` in the environment keeps the one before.
    /// Errors: bad_field, too_large, those of `may_change`.
    virtual void set_definitions(std::vector<NamedSpec> definitions,
                                 DefinitionChange change,
                                 Reply<std::vector<SetDefinition>> reply) = 0;
    /// Errors: not_found, those of `may_change`.
    virtual void remove_definition(std::string name,
                                   DefinitionChange change,
                                   Reply<Done> reply) = 0;
    /// Errors: not_found, too_large.
    virtual void set_group(std::string name, GroupEdit edit, Reply<Group> reply) = 0;
    /// It has no limit any more. Errors: not_found.
    virtual void remove_group(std::string name, Reply<Done> reply) = 0;
    virtual void set_meta(std::string key, std::string value, Reply<Done> reply) = 0;
    /// Removes ended jobs, the oldest first, with their attempts and events. Nothing that is not
    /// ended is ever touched. The caller removes the files that it names, then calls
    /// `forget_removals`.
    virtual void prune(PruneBatch batch, Reply<PruneResult> reply) = 0;
    /// Marks the oldest stored outputs, `jobs_max` at most, as removed `at`, until all that is
    /// stored has at most `bytes_kept`. The files are the caller's, as for `prune`.
    virtual void prune_output(std::int64_t bytes_kept,
                              std::int64_t jobs_max,
                              TimePoint at,
                              Reply<PruneResult> reply) = 0;
    /// These files are gone.
    virtual void forget_removals(std::vector<JobId> ids, Reply<Done> reply) = 0;
    /// Gives up to `pages_max` free pages of the database back, as long as more than `pages_kept`
    /// are free. Replies whether there are more.
    virtual void give_back_space(std::int64_t pages_max,
                                 std::int64_t pages_kept,
                                 Reply<bool> reply) = 0;
    /// Begins a copy of the database into `file`, which is there and empty; one that is under way
    /// ends. Errors: internal.
    virtual void begin_copy(std::filesystem::path file, Reply<Done> reply) = 0;
    /// Copies some more. Commits go on between slices, and are copied too. Replies with true when
    /// the copy is whole: it holds all that was committed by then. Errors, which end the copy:
    /// disk_full, internal.
    virtual void copy_slice(Reply<bool> reply) = 0;

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
    /// What `prune` would do with this batch.
    virtual Result<PruneResult> preview_prune(const PruneBatch& batch) = 0;
    /// What `prune_output` would do then.
    virtual Result<PruneResult> preview_prune_output(const OutputPreview& preview) = 0;
    /// Removals that were begun and not finished, in the order of ids after `after`, at most
    /// `limit`.
    virtual Result<std::vector<Removal>> removals(std::optional<JobId> after,
                                                  std::int64_t limit) = 0;
    virtual Result<HistoryTotals> history_totals() = 0;
    /// The seq of the newest event ever (0: none), and the one from which on all are kept.
    virtual Result<std::int64_t> last_event() = 0;
    virtual Result<std::int64_t> first_event() = 0;
    /// Jobs by state: scheduled, running, and one a finish status. Never scans.
    virtual Result<std::map<std::string, std::int64_t>> counts() = 0;
    virtual Result<std::optional<TimePoint>> next_due() = 0;
    /// Jobs in the order of their numbers, after this one.
    virtual Result<std::vector<JobRecord>> records_after(std::int64_t number,
                                                         std::int64_t limit) = 0;
    /// Nothing where there is no such job.
    virtual Result<std::optional<JobRecord>> record(JobId id) = 0;
    virtual Result<Tally> tally() = 0;
    /// Its output is being removed from the disk; the row may be gone already.
    virtual Result<bool> is_being_removed(JobId id) = 0;
    /// Scheduled jobs that are due at `now`, counted up to `max`.
    virtual Result<Overdue> overdue(TimePoint now, std::int64_t max) = 0;
    /// How many due jobs are claimed before this one, which is due, counted up to `max`. Of one
    /// whose group has no room: how many of its group.
    virtual Result<std::int64_t> count_before(const Job& job, std::int64_t max) = 0;
    virtual Result<PauseState> pause_state() = 0;
    /// Nothing where there is none of this name.
    virtual Result<std::optional<Definition>> definition(const std::string& name) = 0;
    /// Those after this name, at most `limit`, and fewer once they hold `bytes_max`.
    virtual Result<DefinitionPage> definitions(const std::string& after,
                                               std::int64_t limit,
                                               std::size_t bytes_max) = 0;
    /// Nothing where none of this name was set.
    virtual Result<std::optional<Group>> group(const std::string& name) = 0;
    /// Those after this name, at most `limit`.
    virtual Result<GroupPage> groups(const std::string& after, std::int64_t limit) = 0;
    virtual Result<std::optional<std::string>> meta(const std::string& key) = 0;
    /// Empty while writes are accepted, else why not (disk full, failed fsync).
    virtual std::string write_trouble() = 0;
};

}  // namespace scheduler
