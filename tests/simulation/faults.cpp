/// What a history does to the daemon, its machine and its engine.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/image_reference.hpp"
#include "daemon/dispatch/names.hpp"
#include "tests/simulation/world.hpp"

namespace scheduler::sim {

void World::do_to_daemon(Action action) {
    if (!process_) return;
    switch (action) {
        case Action::stop_daemon:
            is_stopping_ = true;
            process_->dispatcher->stop_claiming();
            pass(random_.between(0ms, 5s));
            crash(false);
            break;
        case Action::crash_in_write:
            // Takes effect while the next writes are made.
            disk_.crash_after_calls = 1 + random_.below(12);
            return;
        case Action::crash_at_start:
            crashes_at_start_ = true;
            return;
        default:
            if (random_.chance(60)) {
                // In the middle of things: every closure ends where a thread awaits something.
                closures_to_crash_ = static_cast<int>(1 + random_.below(40));
                crash_cuts_power_ = action == Action::cut_power;
                return;
            }
            crash(action == Action::cut_power);
    }
    boot_after(random_.between(0ms, random_.chance(80) ? 3s : Duration(10min)));
}

/// The window in which a repeated start runs a job twice: sent, not executed, and nobody left who
/// knows.
void World::start_was_sent() {
    if (std::exchange(engine_dies_at_start_, false))
        time_.after(random_.between(0ms, 10ms), [this] {
            troubled_at_ = time_.clock.steady();
            engine_.go_away(random_.between(10ms, 5s), SimEngine::Restart::kills_containers);
        });
    if (!std::exchange(crashes_at_start_, false)) return;
    time_.after(random_.between(0ms, 10ms), [this] {
        crash(false);
        boot_after(random_.between(0ms, 300ms));
    });
}

/// The words that a recorded history may expect.
void World::engine_did(const std::string& what, const std::string& container) {
    for (const auto* jobs : {&std::as_const(model_).jobs(), &model_.purged()})
        for (const auto& [id, job] : *jobs)
            if (!container.empty() && container_name(id, job.attempt()) == container)
                return say(fmt::format("the engine {} the container of a {} job ({})",
                                       what,
                                       to_string(job.status),
                                       job.number));
    say("the engine " + what);
}

/// What is claimed together is begun in the order of the claim.
void World::create_was_sent(const std::string& name) {
    auto place = std::find_if(to_create_.begin(), to_create_.end(), [&](JobId id) {
        return container_name(id, 1) == name;
    });
    if (place == to_create_.end()) return;  // a repeat
    if (place != to_create_.begin())
        violate(fmt::format("job {} was begun before job {}, which was claimed earlier",
                            model_.find(*place)->number,
                            model_.find(to_create_.front())->number));
    to_create_.pop_front();
}

void World::do_to_engine(Action action) {
    troubled_at_ = time_.clock.steady();
    switch (action) {
        case Action::engine_gone: {
            auto kind = static_cast<SimEngine::Restart>(random_.below(3));
            Duration length =
                random_.chance(80) ? random_.between(10ms, 20s) : random_.between(1min, 5h);
            if (kind == SimEngine::Restart::power_loss) {
                // The host of both.
                crash(true);
                boot_after(length);
            }
            engine_.go_away(length, kind);
            break;
        }
        case Action::engine_dies_at_start:
            engine_dies_at_start_ = true;
            break;
        case Action::engine_hangs:
            engine_.hang(random_.chance(80) ? random_.between(50ms, 5s)
                                            : random_.between(10s, 200s));
            break;
        case Action::engine_flaky:
            engine_.has_faults = true;
            time_.after(random_.between(1s, 60s), [this] { engine_.has_faults = false; });
            break;
        default:
            if (random_.chance(50))
                engine_.stranger_stops();
            else
                engine_.stranger_removes();
    }
}

void World::do_to_machine(Action action) {
    troubled_at_ = time_.clock.steady();
    switch (action) {
        case Action::fill_disk:
            disk_.is_full = true;
            time_.after(random_.between(100ms, 60s), [this] {
                disk_.is_full = false;
                space_came_at_ = time_.clock.steady();
            });
            break;
        case Action::fail_sync:
            disk_.fails_next_sync = true;
            break;
        default:
            Duration by = random_.chance(60) ? random_.between(1s, 1h) : Duration(24h * 365);
            bool is_back = action == Action::set_clock && random_.chance(50);
            set_clock(is_back ? -by : by);
    }
}

void World::set_clock(Duration by) {
    wall_before_jump_ = time_.clock.now();
    jumped_at_ = time_.clock.steady();
    latest_wall_ = std::max(latest_wall_, wall_before_jump_);
    say(fmt::format("the clock jumps by {} s", by.count() / 1000));
    for (auto& [id, job] : model_.jobs())
        if (process_ && job.status == JobStatus::running && !row_of(id).started_at)
            job.was_clock_set_unseen = true;
    time_.jump(by);
}

}  // namespace scheduler::sim
