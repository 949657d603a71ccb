#pragma once
/// The store on SQLite: WAL, synchronous=FULL, one writer with group commit, readers on connections
/// of their own. Any thread. The only owner of the database file for writing: the daemon holds a
/// lock file.

#include <atomic>
#include <memory>

#include "daemon/base/id_generator.hpp"
#include "daemon/store/sqlite/checkpoints.hpp"
#include "daemon/store/sqlite/copy.hpp"
#include "daemon/store/sqlite/groups.hpp"
#include "daemon/store/sqlite/integrity_walk.hpp"
#include "daemon/store/sqlite/reader_pool.hpp"
#include "daemon/store/sqlite/writer.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class SqliteStore final : public Store {
  public:
    struct Parts {
        std::filesystem::path path;
        Executor&
            commits;  ///< where the writer runs; must be drained before the store is destroyed
        const Clock& clock;
        RandomSource random;
        /// Called once, on the writer's executor, when the disk failed or the file is damaged:
        /// nothing is served any more.
        UniqueFunction<void(const std::string&)> on_fatal;
        /// Called on the writer's thread when the disk turned out to be full.
        UniqueFunction<void()> on_disk_full = {};
        /// The same, when it takes writes again.
        UniqueFunction<void()> on_space = {};
        /// Where a file is checked while it is served from. Without one (a database of a test's
        /// own) no check is made, at the start neither, and no mark is written.
        Executor* checks = nullptr;
        /// Where the log of writes is copied into the database; drained like `commits`. Without one
        /// the commits do it.
        Executor* checkpoints = nullptr;
        CheckpointLimits checkpoint_limits = {};
    };
    /// Opens or creates the database and migrates it. Errors: internal, one sentence with the
    /// remedy.
    static Result<std::unique_ptr<SqliteStore>> open(Parts parts);

    /// Set before the first write.
    void on_commit(CommitListener listener) { writer_.on_commit(std::move(listener)); }

    void insert(std::vector<NewJob> jobs, Reply<std::vector<AddedJob>> reply) override;
    void claim_due(ClaimLimits limits, Reply<ClaimResult> reply) override;
    void expire(ExpiryLimits limits, Reply<ExpiryResult> reply) override;
    void set_container(JobId id, int attempt, std::string container_id, Reply<bool> reply) override;
    void set_started(JobId id,
                     int attempt,
                     TimePoint started_at,
                     std::optional<TimePoint> deadline_at,
                     Reply<Done> reply) override;
    void set_stop_reason(JobId id,
                         int attempt,
                         FinishStatus reason,
                         Reply<FinishStatus> reply) override;
    void finish(JobId id, int attempt, Outcome outcome, Reply<bool> reply) override;
    void retry(JobId id, int attempt, Outcome outcome, Retry next, Reply<bool> reply) override;
    void cancel(JobId id, TimePoint at, std::string reason, Reply<Done> reply) override;
    void make_due(JobId id, TimePoint now, Reply<std::optional<TimePoint>> reply) override;
    void hold(JobId id, std::string by, Reply<Done> reply) override;
    void release(JobId id, TimePoint at, Reply<std::optional<TimePoint>> reply) override;
    void edit(JobId id, JobEdit edit, Reply<Job> reply) override;
    void request_kill(JobId id, TimePoint at, std::string by, bool now, Reply<Done> reply) override;
    void set_pause(PauseState pause, Reply<PauseChange> reply) override;
    void set_definitions(std::vector<NamedSpec> definitions,
                         DefinitionChange change,
                         Reply<std::vector<SetDefinition>> reply) override;
    void remove_definition(std::string name, DefinitionChange change, Reply<Done> reply) override;
    void set_group(std::string name, GroupEdit edit, Reply<Group> reply) override;
    void remove_group(std::string name, Reply<Done> reply) override;
    void set_meta(std::string key, std::string value, Reply<Done> reply) override;
    void prune(PruneBatch batch, Reply<PruneResult> reply) override;
    void prune_output(std::int64_t bytes_kept,
                      std::int64_t jobs_max,
                      TimePoint at,
                      Reply<PruneResult> reply) override;
    void forget_removals(std::vector<JobId> ids, Reply<Done> reply) override;
    void give_back_space(std::int64_t pages_max,
                         std::int64_t pages_kept,
                         Reply<bool> reply) override;
    void begin_copy(std::filesystem::path file, Reply<Done> reply) override;
    void copy_slice(Reply<bool> reply) override;

    Result<Job> find(const JobRef& ref, const std::string& caller) override;
    Result<ListPage> list(const ListFilter& filter,
                          std::optional<ListPosition> after,
                          std::int64_t limit) override;
    Result<ListPosition> position_of(JobId id) override;
    Result<std::optional<std::vector<Job>>> list_all(const ListFilter& filter,
                                                     std::int64_t jobs_max) override;
    Result<std::vector<RunningJob>> running() override;
    Result<std::vector<JobEvent>> events_after(std::int64_t seq,
                                               std::optional<JobId> job,
                                               std::int64_t limit) override;
    Result<PruneResult> preview_prune(const PruneBatch& batch) override;
    Result<PruneResult> preview_prune_output(const OutputPreview& preview) override;
    Result<std::vector<Removal>> removals(std::optional<JobId> after, std::int64_t limit) override;
    Result<HistoryTotals> history_totals() override;
    Result<std::int64_t> last_event() override;
    Result<std::int64_t> first_event() override;
    Result<std::map<std::string, std::int64_t>> counts() override;
    Result<std::optional<TimePoint>> next_due() override;
    Result<std::vector<JobRecord>> records_after(std::int64_t number, std::int64_t limit) override;
    Result<std::optional<JobRecord>> record(JobId id) override;
    Result<Tally> tally() override;
    Result<bool> is_being_removed(JobId id) override;
    Result<Overdue> overdue(TimePoint now, std::int64_t max) override;
    Result<std::int64_t> count_before(const Job& job, std::int64_t max) override;
    Result<PauseState> pause_state() override;
    Result<std::optional<Definition>> definition(const std::string& name) override;
    Result<DefinitionPage> definitions(const std::string& after,
                                       std::int64_t limit,
                                       std::size_t bytes_max) override;
    Result<std::optional<Group>> group(const std::string& name) override;
    Result<GroupPage> groups(const std::string& after, std::int64_t limit) override;
    Result<std::optional<std::string>> meta(const std::string& key) override;
    std::string write_trouble() override { return writer_.trouble(); }

  private:
    SqliteStore(Parts parts,
                std::unique_ptr<Database> database,
                std::optional<JobId> last_id,
                bool has_definitions,
                bool has_groups);
    Result<AddedJob> insert_one(WriteContext& context, const NewJob& job);
    /// False: it is not scheduled any more.
    static bool cancel_row(WriteContext& context,
                           JobId id,
                           TimePoint at,
                           const std::string& reason);
    static Result<ExpiryResult> expire_rows(WriteContext& context, const ExpiryLimits& limits);

    const Clock& clock_;
    IdGenerator ids_;  ///< writer only
    Writer writer_;
    std::optional<Checkpoints> checkpoints_;
    ReaderPool readers_;
    std::optional<IntegrityWalk> walk_;
    /// False while there never was one since the start: a submit need not look for its name then.
    std::atomic<bool> may_have_definitions_;
    GroupMemory groups_;                  ///< the writer's thread
    std::unique_ptr<DatabaseCopy> copy_;  ///< writer only; ends before `writer_` closes its source
};

}  // namespace scheduler
