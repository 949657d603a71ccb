#include "daemon/store/sqlite/checkpoints.hpp"

#include <utility>

namespace scheduler {

Checkpoints::Checkpoints(std::filesystem::path path,
                         Executor& executor,
                         Writer& writer,
                         CheckpointLimits limits)
    : path_(std::move(path)),
      executor_(executor),
      writer_(writer),
      limits_(limits),
      begin_at_(limits.begin) {
    writer_.on_log_grown([this](int pages) { committed(pages); });
}

void Checkpoints::committed(int pages) {
    if (pages < pages_) begin_at_ = limits_.begin;  // the log began anew
    pages_ = pages;
    bool was_full = std::exchange(was_full_, writer_.is_full());
    if (was_full && !was_full_) begin_at_ = 0;
    if (is_under_way_ || pages < begin_at_) return;
    is_under_way_ = true;
    begin_at_ = pages_ + limits_.begin;
    executor_.post([this] {
        writer_.between_commits<Done>(
            [this, pass = copy()](Database& database) -> Result<Done> {
                ended(database, pass);
                return Done{};
            },
            [](const Result<Done>&) {});
    });
}

/// None after a failure: the log has checksums, and a checkpoint copies its pages unseen.
Checkpoints::Pass Checkpoints::copy() {
    if (writer_.is_dead()) return {};
    try {
        if (!database_) database_ = std::make_unique<Database>(path_, Database::Mode::checkpointer);
        return {database_->checkpoint()};
    } catch (const SqliteError& error) {
        database_.reset();
        return {std::nullopt, error};
    }
}

/// A reader that still looks at an old state of the database keeps a pass from copying all: the
/// next one waits until there is as much again.
void Checkpoints::ended(Database& database, const Pass& pass) {
    is_under_way_ = false;
    if (writer_.is_dead()) return;
    if (begin_at_ != 0) begin_at_ = pages_ + limits_.begin;  // else one is wanted at once
    std::optional<SqliteError> error = pass.error;
    if (!error && !pass.copied) return;  // a commit was copying, and says how that ended
    if (!error && *pass.copied < pages_ && pages_ - *pass.copied <= limits_.finish) {
        try {
            (void)database.checkpoint();
        } catch (const SqliteError& failed) {
            error = failed;
        }
    }
    // A full disk: as soon as there is room, each commit has to make more of it.
    database.set_commits_checkpoint_at(error ? limits_.begin : limits_.force);
    writer_.checkpoint_ended(error);
}

}  // namespace scheduler
