/// What may be refused, and clients that never hear: those that go away, or whose daemon does.

#include <algorithm>

#include <fmt/format.h>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

bool is_scheduled(JobStatus status) {
    return status == JobStatus::scheduled;
}
bool is_running(JobStatus status) {
    return status == JobStatus::running;
}

}  // namespace

/// Whether its job was in such a state at some moment since it was asked for.
bool World::was(const Asked& asked, bool (*state)(JobStatus)) const {
    const ModelJob* job = model_.find_ever(asked.job);
    if (job == nullptr || asked.moves == 0) return false;
    auto first = job->moves.begin() + static_cast<std::ptrdiff_t>(asked.moves) - 1;
    return std::any_of(first, job->moves.end(), state);
}

bool World::is_refused_rightly(const Asked& asked, ErrorCode code) {
    bool is_of_scheduled = asked.action == Action::remove || is_unheard(asked.action);
    bool is_of_job = is_of_scheduled || asked.action == Action::kill;
    switch (code) {
        case ErrorCode::unavailable:
            // A failed store ends the daemon; one that stops makes no more prunes.
            return is_failing_ || (asked.action == Action::prune && is_stopping_);
        case ErrorCode::disk_full:
            return disk_.is_full || space_came_at_ == time_.clock.steady();
        case ErrorCode::key_reused:
            return asked.action == Action::add_again && asked.earlier != JobId();
        case ErrorCode::job_running:
            return is_of_scheduled && was(asked, is_running);
        case ErrorCode::job_not_running:
            return asked.action == Action::kill && was(asked, is_scheduled);
        case ErrorCode::job_in_history:
            return is_of_job && was(asked, has_ended);
        case ErrorCode::job_not_found:
            learn_of_purges();
            return is_of_job && model_.find(asked.job) == nullptr;
        case ErrorCode::bad_field: {
            // It was started before, so that it does not expire any more.
            const ModelJob* job = model_.find_ever(asked.job);
            return asked.action == Action::edit && asked.edit.spec.expires && job != nullptr &&
                   job->attempt() > 0;
        }
        case ErrorCode::not_found:  // a group that is not set
            return asked.action == Action::set_group &&
                   (asked.wish.is_removal || asked.wish.edit.pause);
        default:
            return false;
    }
}

void World::check_refusal(const Asked& asked, const Error& error) {
    if (is_refused_rightly(asked, error.code)) return;
    violate(fmt::format("{} was refused without need: {}", word_of(asked.action), error.message));
}

/// Whatever they had asked for goes on.
void World::clients_vanish() {
    waiters_.clear();
    log_readers_.clear();
    event_readers_.clear();
    walks_.clear();
    for (Asked& asked : asked_) {
        bool may_desert = asked.action == Action::add || asked.action == Action::remove ||
                          asked.action == Action::kill;
        if (!may_desert || asked.is_deserted) continue;
        asked.is_deserted = true;
        repeat_unanswered(asked);
    }
}

/// A client that was not told sends once more what it sent under a key.
void World::repeat_unanswered(const Asked& asked) {
    if (asked.action != Action::add) return;
    for (const AddRequest& request : asked.added)
        if (request.key) repeat_later(request);
}

void World::repeat_later(const AddRequest& request) {
    time_.after(clients_.between(0ms, 2s), [this, request] {
        if (!process_) return repeat_later(request);
        say(fmt::format("{} is sent once more", *request.key));
        ask_to_add({request});
    });
}

}  // namespace scheduler::sim
