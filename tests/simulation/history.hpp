#pragma once
/// A history: what happens in one run, step by step. It is made from a seed; a step carries its own
/// seed, so that the rest of a history stays what it is when steps are cut out of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler::sim {

enum class Action : std::uint8_t {
    add,
    add_again,  ///< a repeat under a key that was used
    add_batch,
    remove,
    run,
    kill,
    edit,
    hold,
    release,
    pause,
    resume,
    set_group,  ///< its limit, a pause, or neither any more
    read,
    wait,
    prune,
    set_limits,  ///< of history and stored output
    vanish,      ///< the clients that wait go away
    idle,
    // What --faults selects.
    kill_daemon,
    stop_daemon,  ///< SIGTERM: nothing new is begun, then the end
    crash_in_write,
    crash_at_start,  ///< just when a start was sent
    cut_power,
    fill_disk,
    fail_sync,
    engine_gone,
    engine_dies_at_start,  ///< just when a start was sent
    engine_hangs,
    engine_flaky,
    stranger,
    set_clock,
    suspend,
};

struct Step {
    int index = 0;
    Action action = Action::idle;
    std::uint64_t seed = 0;
};

using History = std::vector<Step>;

/// A history that failed once.
struct Recorded {
    History history;
    std::vector<std::string> expected;  ///< what is said in its run, in this order
};

/// Changes of a row that no event tells: they are known by their answers.
constexpr bool is_unheard(Action action) {
    return action == Action::run || action == Action::edit || action == Action::hold ||
           action == Action::release;
}

std::string_view word_of(Action action);
std::optional<std::uint64_t> parse_number(std::string_view text);
/// Errors: bad_field.
Result<Action> parse_action(std::string_view word);
/// The groups that --faults takes: crash, disk, engine, clock, history. Errors: bad_field.
Result<std::vector<Action>> parse_faults(std::string_view list);

/// From a file: what a failure prints, a step a line; `expect: TEXT`; `#` begins a comment. A file
/// without an expectation is none. Errors: bad_field.
Result<Recorded> read_recorded(const std::string& path);

History make_history(std::uint64_t seed, int steps, const std::vector<Action>& faults);

}  // namespace scheduler::sim
