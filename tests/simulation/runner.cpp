#include "tests/simulation/runner.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace scheduler::sim {

std::optional<std::string> Runner::run(const History& history, bool is_talkative) {
    return run(history, is_talkative, {});
}

std::optional<std::string> Runner::replay(const Recorded& recorded, bool is_talkative) {
    auto next = recorded.expected.begin();
    auto broken = run(recorded.history, is_talkative, [&](const std::string& word) {
        if (next != recorded.expected.end() && word.find(*next) != std::string::npos) ++next;
    });
    if (broken || next == recorded.expected.end()) return broken;
    return fmt::format(
        "nobody says \"{}\" any more, so it tests nothing: look for a new history with --expect",
        *next);
}

std::optional<std::string> Runner::run(const History& history,
                                       bool is_talkative,
                                       std::function<void(const std::string&)> on_word) {
    try {
        World world(logs_, is_talkative);
        world.on_word = std::move(on_word);
        for (const Step& step : history)
            world.perform(step);
        world.come_to_rest();
        figures_ = world.figures();
        return std::nullopt;
    } catch (const Violation& violation) {
        return violation.what;
    }
}

std::optional<std::string> Runner::run_storm(int jobs, bool is_talkative) {
    try {
        World world(logs_, is_talkative);
        world.add_storm(jobs);
        world.come_to_rest();
        figures_ = world.figures();
        if (figures_.starts != jobs) return fmt::format("{} of {} started", figures_.starts, jobs);
        return std::nullopt;
    } catch (const Violation& violation) {
        return violation.what;
    }
}

History Runner::shrink(History history, const Wanted& is_wanted) {
    for (std::size_t piece = history.size() / 2; piece > 0;) {
        bool is_shorter = false;
        for (std::size_t begin = 0; begin < history.size();) {
            History part = history;
            auto first = part.begin() + static_cast<std::ptrdiff_t>(begin);
            auto last =
                part.begin() + static_cast<std::ptrdiff_t>(std::min(begin + piece, history.size()));
            part.erase(first, last);
            if (is_wanted(part)) {
                history = std::move(part);
                is_shorter = true;
            } else {
                begin += piece;
            }
        }
        if (!is_shorter || piece > history.size()) piece /= 2;
    }
    return history;
}

}  // namespace scheduler::sim
