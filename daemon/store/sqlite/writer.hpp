#pragma once
/// The store's writer: group commit. Writes that wait while a commit is under way go into the next
/// transaction together and are answered after it. One that fails takes back its own changes only.
/// `submit` may be called on any thread; everything else happens on the executor, which runs one
/// closure at a time (a thread of its own, or the simulation's).
///
/// A savepoint copies each page that a write changes, for a failure that hardly ever comes: nearly
/// all writes that refuse themselves do so before they change anything. So a batch is applied
/// without savepoints, and once more with them when a write failed after it had changed something.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/base/published.hpp"
#include "daemon/store/sqlite/database.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

/// What one write may touch, and what it leaves for the end of the transaction.
struct WriteContext {
    explicit WriteContext(Database& connection) : database(connection) {}

    Database& database;
    std::map<std::string, std::int64_t> counter_changes;
    std::vector<CommittedEvent> events;

    /// One transition: the event row, and the counters of both states.
    void record(JobId id,
                std::int64_t number,
                TimePoint at,
                std::optional<JobStatus> from,
                JobStatus to,
                std::optional<FinishStatus> finish,
                const std::optional<std::string>& reason);
    /// What a write did after this.
    void append(WriteContext later);
};

class Writer {
  public:
    using OnFatal = UniqueFunction<void(const SqliteError&, const std::string& sentence)>;
    /// `on_fatal` is called once, on the executor, when the disk failed or the file is damaged: no
    /// write is accepted any more.
    Writer(std::unique_ptr<Database> database, Executor& executor, OnFatal on_fatal);

    /// `apply` runs inside the transaction, and again when that was rolled back for the sake of
    /// another write; its error takes back what it did. `reply` comes after the commit.
    template <class T>
    void submit(UniqueFunction<Result<T>(WriteContext&)> apply, Reply<T> reply) {
        enqueue(std::make_unique<TypedWrite<T>>(std::move(apply), std::move(reply)));
    }
    /// `act` runs between two transactions. Its error is told, and says nothing of the store.
    template <class T>
    void between_commits(UniqueFunction<Result<T>(Database&)> act, Reply<T> reply) {
        executor_.post([this, act = std::move(act), reply = std::move(reply)]() mutable {
            reply(act(*database_));
        });
    }
    /// Called after each commit that wrote events. Set before the first write.
    void on_commit(CommitListener listener) { listener_ = std::move(listener); }
    /// Called when the disk turned out to be full, once until it has space again. Set like that.
    void on_disk_full(UniqueFunction<void()> listener) { full_listener_ = std::move(listener); }
    /// Called when a write succeeded after that. Set like that.
    void on_space(UniqueFunction<void()> listener) { space_listener_ = std::move(listener); }

    /// Called after each commit, when its writes were answered, with the pages of the log of
    /// writes. Set like that.
    void on_log_grown(UniqueFunction<void(int pages)> listener) {
        log_listener_ = std::move(listener);
    }
    /// A checkpoint that is none of a commit's ended. The executor.
    void checkpoint_ended(const std::optional<SqliteError>& error);

    /// The disk failed, or the file is damaged: nothing is written any more. Any thread.
    [[nodiscard]] bool is_dead() const { return dead_; }
    /// The disk was full at the last commit that wrote something. The executor.
    [[nodiscard]] bool is_full() const { return !dead_ && !trouble_.get().empty(); }
    [[nodiscard]] std::string trouble() const { return trouble_.get(); }
    /// A reader met what forbids to go on. Any thread.
    void failed_elsewhere(const SqliteError& error);

  private:
    struct Write {
        Write() = default;
        Write(const Write&) = delete;
        Write& operator=(const Write&) = delete;
        virtual ~Write() = default;
        /// False when the write refused itself.
        virtual bool apply(WriteContext& context) = 0;
        virtual void fail_with(const Error& error) = 0;
        virtual void answer() = 0;
    };
    template <class T>
    struct TypedWrite final : Write {
        TypedWrite(UniqueFunction<Result<T>(WriteContext&)> function, Reply<T> completion)
            : apply_(std::move(function)), reply_(std::move(completion)) {}
        bool apply(WriteContext& context) override {
            result_.emplace(apply_(context));
            return result_->has_value();
        }
        void fail_with(const Error& error) override { result_.emplace(fail(error)); }
        void answer() override { reply_(std::move(*result_)); }
        UniqueFunction<Result<T>(WriteContext&)> apply_;
        Reply<T> reply_;
        std::optional<Result<T>> result_;
    };
    using Batch = std::vector<std::unique_ptr<Write>>;

    void enqueue(std::unique_ptr<Write> write);
    void drain();
    void commit(Batch& batch);
    void begin();
    enum class Applied {
        all,           ///< what could be
        not_isolated,  ///< a write failed half-way, and had no savepoint
        nothing,       ///< SQLite gave up the whole transaction (disk full)
    };
    Applied apply_all(Batch& batch, WriteContext& context);
    Applied apply_isolated(Batch& batch, WriteContext& context);
    bool try_apply(Write& write, WriteContext& context);
    void flush(WriteContext& context);
    void abandon(Batch& batch, const SqliteError& error);
    Error explain(const SqliteError& error);
    Error die(const SqliteError& error);
    void probe_later();

    std::unique_ptr<Database> database_;
    Executor& executor_;
    OnFatal on_fatal_;
    CommitListener listener_;
    UniqueFunction<void()> full_listener_;
    UniqueFunction<void()> space_listener_;
    UniqueFunction<void(int)> log_listener_;
    Published<std::string> trouble_;
    std::atomic<bool> dead_ = false;  ///< written on the executor only
    bool checkpoint_failed_ = false;  ///< executor only; logged once until one succeeds
    /// Timers hold it weakly, so that none runs after the writer is gone.
    Anchor<Writer> anchor_{*this};

    std::mutex mutex_;
    Batch waiting_;                 ///< guarded by mutex_
    bool drain_is_posted_ = false;  ///< guarded by mutex_
};

}  // namespace scheduler
