#include "daemon/store/sqlite/writer.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"

namespace scheduler {
namespace {

/// Writes in one transaction at most, so that the first of them does not wait for ever.
constexpr std::size_t batch_max = 2048;
/// How often a full disk is looked at again.
constexpr Duration probe_every = std::chrono::seconds(1);

std::string counter_name(JobStatus status, std::optional<FinishStatus> finish) {
    return std::string(finish ? to_string(*finish) : to_string(status));
}

}  // namespace

void WriteContext::record(JobId id,
                          std::int64_t number,
                          TimePoint at,
                          std::optional<JobStatus> from,
                          JobStatus to,
                          std::optional<FinishStatus> finish,
                          const std::optional<std::string>& reason) {
    assert(!from || may_move(*from, to));
    Query insert = database.query(
        "INSERT INTO event(job, at, from_status, to_status, reason) VALUES(?, ?, ?, ?, ?)");
    insert.bind(number).bind(at);
    if (from)
        insert.bind(to_string(*from));
    else
        insert.bind_null();
    insert.bind(to_string(to)).bind(reason).run();
    if (from && !mutated("counts_twice")) --counter_changes[counter_name(*from, std::nullopt)];
    ++counter_changes[counter_name(to, finish)];
    events.push_back({database.last_insert_rowid(), id, to});
}

void WriteContext::append(WriteContext later) {
    for (const auto& [state, change] : later.counter_changes)
        counter_changes[state] += change;
    std::move(later.events.begin(), later.events.end(), std::back_inserter(events));
}

Writer::Writer(std::unique_ptr<Database> database, Executor& executor, OnFatal on_fatal)
    : database_(std::move(database)), executor_(executor), on_fatal_(std::move(on_fatal)) {}

void Writer::enqueue(std::unique_ptr<Write> write) {
    {
        std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(write));
        if (std::exchange(drain_is_posted_, true)) return;
    }
    // Outside: the thread that this wakes begins by taking the lock.
    executor_.post([this] { drain(); });
}

void Writer::drain() {
    Batch batch;
    {
        std::lock_guard lock(mutex_);
        std::size_t count = std::min(waiting_.size(), batch_max);
        auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
        std::move(waiting_.begin(), end, std::back_inserter(batch));
        waiting_.erase(waiting_.begin(), end);
        drain_is_posted_ = !waiting_.empty();
        if (drain_is_posted_) executor_.post([this] { drain(); });
    }
    commit(batch);
    for (auto& write : batch)
        write->answer();
    if (!dead_ && log_listener_) log_listener_(database_->log_pages());
}

void Writer::commit(Batch& batch) {
    if (dead_) {
        for (auto& write : batch)
            write->fail_with({ErrorCode::unavailable, trouble_.get()});
        return;
    }
    std::optional<WriteContext> applied;
    const auto changes_before = database_->total_changes();
    try {
        begin();
        auto outcome = apply_all(batch, applied.emplace(*database_));
        if (outcome == Applied::not_isolated) {
            database_->exec("ROLLBACK");
            begin();
            outcome = apply_isolated(batch, applied.emplace(*database_));
        }
        if (outcome == Applied::nothing)
            return abandon(batch, SqliteError(SQLITE_FULL, "rolled back"));
        flush(*applied);
        if (!mutated("answers_before_commit")) database_->query("COMMIT").run();
    } catch (const SqliteError& error) {
        return abandon(batch, error);
    }
    if (auto error = database_->take_checkpoint_error()) checkpoint_ended(error);
    // A commit that wrote nothing says nothing about the disk.
    if (!dead_ && database_->total_changes() != changes_before && !trouble_.get().empty()) {
        log_info("store_recovered");
        trouble_.set("");
        if (space_listener_) space_listener_();
    }
    if (listener_ && !applied->events.empty()) listener_(applied->events);
}

void Writer::begin() {
    if (!mutated("answers_before_commit") || !database_->in_transaction())
        database_->query("BEGIN IMMEDIATE").run();
}

Writer::Applied Writer::apply_all(Batch& batch, WriteContext& context) {
    for (auto& write : batch) {
        const auto changes_before = database_->total_changes();
        bool done = try_apply(*write, context);
        if (!database_->in_transaction()) return Applied::nothing;
        if (!done && database_->total_changes() != changes_before) return Applied::not_isolated;
    }
    return Applied::all;
}

Writer::Applied Writer::apply_isolated(Batch& batch, WriteContext& context) {
    for (auto& write : batch) {
        WriteContext own{*database_};
        database_->query("SAVEPOINT one_write").run();
        bool done = try_apply(*write, own);
        if (!database_->in_transaction()) return Applied::nothing;
        if (!done) database_->query("ROLLBACK TO one_write").run();
        database_->query("RELEASE one_write").run();
        if (done) context.append(std::move(own));
    }
    return Applied::all;
}

/// False when the write refused itself, or SQLite its statement.
bool Writer::try_apply(Write& write, WriteContext& context) {
    try {
        return write.apply(context);
    } catch (const SqliteError& error) {
        if (!database_->in_transaction() || error.is_fatal() ||
            error.kind() == SqliteError::Kind::disk_full)
            throw;
        write.fail_with(explain(error));
    }
    return false;
}

/// What the whole batch changes once.
void Writer::flush(WriteContext& context) {
    for (const auto& [state, change] : context.counter_changes) {
        if (change == 0) continue;
        database_
            ->query(
                "INSERT INTO counter(state, n) VALUES(?1, ?2) ON CONFLICT(state) DO UPDATE SET n = "
                "n + ?2")
            .bind(state)
            .bind(change)
            .run();
    }
}

void Writer::abandon(Batch& batch, const SqliteError& error) {
    Error answer = explain(error);
    try {
        if (database_->in_transaction()) database_->exec("ROLLBACK");
    } catch (const SqliteError& second) {
        log_error("store_rollback_failed", {{"error", second.what()}});
    }
    for (auto& write : batch)
        write->fail_with(answer);
}

/// Writes a row now and then until that succeeds, so that an idle daemon too sees free space again.
void Writer::probe_later() {
    executor_.post_after(probe_every, [weak = anchor_.weak()] {
        auto* self = weak.get();
        if (!self || self->dead_ || self->trouble_.get().empty()) return;
        self->submit<Done>(
            [](WriteContext& context) -> Result<Done> {
                context.database
                    .query(
                        "INSERT INTO meta(key, value) VALUES('probe', '1') ON CONFLICT(key) DO "
                        "UPDATE SET value = 1 - value")
                    .run();
                return Done{};
            },
            [weak](const Result<Done>&) {
                if (auto* writer = weak.get(); writer && !writer->trouble_.get().empty())
                    writer->probe_later();
            });
    });
}

/// The commits stand in the log of writes, and the next checkpoint copies the same pages again; so
/// a full disk is waited for. A disk that fails is believed in no more.
void Writer::checkpoint_ended(const std::optional<SqliteError>& error) {
    if (!error) {
        checkpoint_failed_ = false;
        return;
    }
    if (error->is_fatal())
        (void)die(*error);
    else if (!std::exchange(checkpoint_failed_, true))
        log_warning("store_checkpoint_failed", {{"error", error->what()}, {"code", error->code}});
}

void Writer::failed_elsewhere(const SqliteError& error) {
    executor_.post([weak = anchor_.weak(), error] {
        if (auto* self = weak.get()) (void)self->die(error);
    });
}

/// After a failed write or fsync the kernel may have dropped the pages while the next commit would
/// succeed, and a damaged file gives wrong answers: nothing is accepted until a restart.
Error Writer::die(const SqliteError& error) {
    if (!dead_) {
        dead_ = true;
        database_->set_checkpoint_on_close(false);
        bool is_damage = error.kind() == SqliteError::Kind::damage;
        trouble_.set(is_damage
                         ? fmt::format("the database is damaged ({}); schedulerd stops, and its "
                                       "log names the remedy",
                                       error.what())
                         : fmt::format("the database can't be read or written ({}); see the log "
                                       "and restart schedulerd when the disk is well",
                                       error.what()));
        log_error("store_failed",
                  {{"error", error.what()}, {"code", error.code}, {"errno", error.os_error}});
        if (on_fatal_) on_fatal_(error, trouble_.get());
    }
    return {ErrorCode::unavailable, trouble_.get()};
}

/// What a failure means for whoever asked, and for the store.
Error Writer::explain(const SqliteError& error) {
    switch (error.kind()) {
        case SqliteError::Kind::disk_full:
            if (trouble_.get().empty()) {
                log_error("store_disk_full", {{"error", error.what()}});
                trouble_.set(
                    "the disk of the state directory is full; free some space and it goes on by "
                    "itself");
                probe_later();
                if (full_listener_) full_listener_();
            }
            return {ErrorCode::disk_full, trouble_.get()};
        case SqliteError::Kind::io:
        case SqliteError::Kind::damage:
            return die(error);
        case SqliteError::Kind::busy:
            return {ErrorCode::busy, "the database is locked by another program; try again"};
        case SqliteError::Kind::other:
            break;
    }
    log_error("store_error", {{"error", error.what()}, {"code", error.code}});
    return {ErrorCode::internal, fmt::format("the store failed: {}", error.what())};
}

}  // namespace scheduler
