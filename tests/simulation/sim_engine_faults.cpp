/// What the world does to the engine: it goes away and comes back, hangs, and strangers use it.

#include "tests/simulation/sim_engine.hpp"

namespace scheduler::sim {
namespace {

using Kind = EngineFailure::Kind;
using Phase = ContainerState::Phase;

/// The ping watchdog ends a silent event stream.
constexpr Duration watchdog = 15s;

}  // namespace

void SimEngine::go_away(Duration length, Restart kind) {
    if (!is_there_) return;
    is_there_ = false;
    ++breaks_;
    ++lifetime_;
    hung_until_ = {};
    go_on();
    tell(0ms, [this] {
        break_watch("the engine went away");
        break_followers();
    });
    time_.after(length, [this, kind, lifetime = lifetime_] {
        if (lifetime == lifetime_ && !is_there_) come_back(kind);
    });
}

void SimEngine::come_back(Restart kind) {
    is_there_ = true;
    restarted_at_ = time_.clock.steady();
    remembered_starts_.clear();
    remembered_creations_.clear();
    if (kind == Restart::keeps_containers) return;
    for (const auto& [id, container] : by_id_) {
        if (container->phase != Phase::running) continue;
        container->was_ended_by_engine = true;
        if (!container->was_seen_running && random_.chance(70)) {
            // It died in the middle of the start, and knows nothing of it.
            container->phase = Phase::created;
            container->started_at.reset();
            continue;
        }
        container->phase = Phase::ended;
        container->exit_code = kind == Restart::power_loss ? 255 : 137;
        container->finished_at = time_.clock.now();
        container->over = time_.clock.steady();
    }
}

void SimEngine::hang(Duration length) {
    if (!is_there_ || is_hung()) return;
    ++breaks_;
    hung_until_ = time_.clock.steady() + length;
    time_.after(watchdog, [this, until = hung_until_] {
        if (hung_until_ == until && is_hung()) {
            tell(0ms, [this] {
                break_watch("the engine does not answer");
                break_followers();
            });
        }
    });
    time_.after(length, [this] { go_on(); });
}

/// What was taken before a hang is executed soon after it.
void SimEngine::go_on() {
    if (is_hung()) return;
    for (Task& request : std::exchange(parked_, {}))
        time_.after(random_.between(0ms, queue_longest), std::move(request));
    bring_output();
}

void SimEngine::break_watch(const std::string& reason) {
    if (!watch_) return;
    auto on_break = std::move(watch_->on_break);
    watch_.reset();
    on_break({Kind::no_answer, reason});
}

void SimEngine::break_followers() {
    for (Follower& follower : std::exchange(followers_, {}))
        follower.reply(fail(EngineFailure{Kind::no_answer, "the engine does not answer"}));
}

std::shared_ptr<Container> SimEngine::any_started() {
    std::vector<std::shared_ptr<Container>> started;
    for (const auto& [id, container] : by_id_)
        if (container->starts > 0) started.push_back(container);
    return started.empty() ? nullptr : started[random_.below(started.size())];
}

void SimEngine::stranger_stops() {
    auto victim = any_started();
    if (!victim || victim->phase != Phase::running) return;
    victim->was_touched_by_stranger = true;
    end(victim, 137);
}

void SimEngine::stranger_removes() {
    auto victim = any_started();
    if (!victim) return;
    victim->was_touched_by_stranger = true;
    if (victim->phase == Phase::running) end(victim, 137);
    forget(victim);
}

void SimEngine::drop_client() {
    ++process_;
    watch_.reset();
    followers_.clear();
}

void SimEngine::heal() {
    has_faults = false;
    hung_until_ = {};
    go_on();
    if (is_there_) return;
    ++lifetime_;
    come_back(Restart::kills_containers);
}

}  // namespace scheduler::sim
