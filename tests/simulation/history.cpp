#include "tests/simulation/history.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "tests/simulation/sim_time.hpp"

namespace scheduler::sim {
namespace {

struct Facts {
    Action action;
    std::string_view word;
    unsigned weight;
    std::string_view group;  ///< of --faults; empty: what clients do
};

constexpr std::array table{
    Facts{Action::add, "add", 26, ""},
    Facts{Action::add_again, "add_again", 5, ""},
    Facts{Action::add_batch, "add_batch", 3, ""},
    Facts{Action::remove, "remove", 7, ""},
    Facts{Action::run, "run", 4, ""},
    Facts{Action::kill, "kill", 7, ""},
    Facts{Action::edit, "edit", 3, ""},
    Facts{Action::hold, "hold", 1, ""},
    Facts{Action::release, "release", 2, ""},
    Facts{Action::pause, "pause", 1, ""},
    Facts{Action::resume, "resume", 2, ""},
    Facts{Action::set_group, "set_group", 3, ""},
    Facts{Action::read, "read", 8, ""},
    Facts{Action::wait, "wait", 4, ""},
    Facts{Action::vanish, "vanish", 2, ""},
    Facts{Action::idle, "idle", 12, ""},
    Facts{Action::prune, "prune", 2, "history"},
    Facts{Action::set_limits, "set_limits", 1, "history"},
    Facts{Action::kill_daemon, "kill_daemon", 4, "crash"},
    Facts{Action::stop_daemon, "stop_daemon", 1, "crash"},
    Facts{Action::crash_in_write, "crash_in_write", 4, "crash"},
    Facts{Action::crash_at_start, "crash_at_start", 4, "crash"},
    Facts{Action::cut_power, "cut_power", 2, "crash"},
    Facts{Action::fill_disk, "fill_disk", 1, "disk"},
    Facts{Action::fail_sync, "fail_sync", 1, "disk"},
    Facts{Action::engine_gone, "engine_gone", 3, "engine"},
    Facts{Action::engine_dies_at_start, "engine_dies_at_start", 3, "engine"},
    Facts{Action::engine_hangs, "engine_hangs", 2, "engine"},
    Facts{Action::engine_flaky, "engine_flaky", 4, "engine"},
    Facts{Action::stranger, "stranger", 2, "engine"},
    Facts{Action::set_clock, "set_clock", 1, "clock"},
    Facts{Action::suspend, "suspend", 1, "clock"},
};

}  // namespace

std::string_view word_of(Action action) {
    return std::find_if(table.begin(),
                        table.end(),
                        [&](const Facts& facts) { return facts.action == action; })
        ->word;
}

Result<Action> parse_action(std::string_view word) {
    for (const Facts& facts : table)
        if (facts.word == word) return facts.action;
    return fail(ErrorCode::bad_field, fmt::format("\"{}\" is no action", word));
}

Result<std::vector<Action>> parse_faults(std::string_view list) {
    std::vector<Action> faults;
    if (list == "none") return faults;
    while (!list.empty()) {
        std::string_view word = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), word.size() + 1));
        std::size_t before = faults.size();
        for (const Facts& facts : table)
            if (!facts.group.empty() &&
                (word == "all" || word == facts.group || word == facts.word))
                faults.push_back(facts.action);
        if (faults.size() == before)
            return fail(
                ErrorCode::bad_field,
                fmt::format(
                    "fault \"{}\" is none of all, none, crash, disk, engine, clock, history, or an "
                    "action of theirs",
                    word));
    }
    return faults;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

namespace {

/// An action and its seed.
Result<Step> parse_step(const std::string& line) {
    std::size_t blank = line.find(' ');
    auto action = parse_action(line.substr(0, blank));
    if (!action) return fail(action.error());
    auto seed = parse_number(blank == std::string::npos ? "" : line.substr(blank + 1));
    if (!seed)
        return fail(ErrorCode::bad_field,
                    fmt::format("\"{}\" is not an action and its seed", line));
    return Step{0, *action, *seed};
}

}  // namespace

Result<Recorded> read_recorded(const std::string& path) {
    constexpr std::string_view expectation = "expect: ";
    std::ifstream file(path);
    if (!file) return fail(ErrorCode::bad_field, path + " can't be read");
    Recorded recorded;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line[0] == '#') continue;
        if (line.starts_with(expectation)) {
            recorded.expected.push_back(line.substr(expectation.size()));
            continue;
        }
        auto step = parse_step(line);
        if (!step) return fail(ErrorCode::bad_field, path + ": " + step.error().message);
        step->index = static_cast<int>(recorded.history.size());
        recorded.history.push_back(*step);
    }
    if (recorded.history.empty() || recorded.expected.empty())
        return fail(ErrorCode::bad_field, path + " holds no steps, or expects nothing");
    return recorded;
}

History make_history(std::uint64_t seed, int steps, const std::vector<Action>& faults) {
    Random random;
    random.seed(seed);
    std::vector<const Facts*> possible;
    unsigned weights = 0;
    for (const Facts& facts : table) {
        bool is_wanted = facts.group.empty() ||
                         std::find(faults.begin(), faults.end(), facts.action) != faults.end();
        if (!is_wanted) continue;
        possible.push_back(&facts);
        weights += facts.weight;
    }
    History history;
    for (int i = 0; i < steps; ++i) {
        std::uint64_t place = random.below(weights);
        auto chosen = possible.begin();
        for (; place >= (*chosen)->weight; ++chosen)
            place -= (*chosen)->weight;
        history.push_back({i, (*chosen)->action, random.next()});
    }
    return history;
}

}  // namespace scheduler::sim
