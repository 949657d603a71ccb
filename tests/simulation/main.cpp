/// sim: runs the daemon's parts through seeded histories of faults, and says which promise broke.
///
///     sim --seeds 1..2000 --steps 120 --faults all
///     sim --seeds 17 --only 3,8,40 --verbose
///     sim --replay tests/simulation/regressions/HISTORY.txt
///     sim --expect "the engine refuses to start" --seeds 1..500
///
/// The same program, seed and steps give the same run. Exit codes: 0 all promises held; 1 one
/// broke; 2 usage.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/base/failpoint.hpp"
#include "daemon/base/log.hpp"
#include "tests/simulation/runner.hpp"

namespace {

using namespace scheduler;
using namespace scheduler::sim;

struct Settings {
    std::string seeds = "1..100";
    int steps = 120;
    std::string faults = "all";
    std::vector<int> only;
    std::string mutation;
    int storm = 0;
    std::vector<std::string> replay;
    bool verbose = false;
    bool shrink = true;
    bool expect_failure = false;
    std::vector<std::string> expect;
};

std::uint64_t current_seed = 0;

void on_abort(int) {
    // Not async-signal-safe, and the process ends here anyway: the seed is worth the risk.
    std::printf("aborted at seed %llu\n", static_cast<unsigned long long>(current_seed));
    (void)std::fflush(stdout);
    std::_Exit(1);
}

History pick(const History& history, const std::vector<int>& only) {
    if (only.empty()) return history;
    History picked;
    for (const Step& step : history)
        if (std::find(only.begin(), only.end(), step.index) != only.end()) picked.push_back(step);
    return picked;
}

void print_steps(const History& history) {
    for (const Step& step : history)
        fmt::print("{} {}\n", word_of(step.action), step.seed);
}

void report(std::uint64_t seed,
            const Settings& settings,
            Runner& runner,
            History history,
            const std::string& what) {
    fmt::print("seed {}: {}\n", seed, what);
    if (!settings.shrink) return;
    history = runner.shrink(std::move(history),
                            [&](const History& part) { return runner.run(part).has_value(); });
    auto again = runner.run(history);
    std::vector<std::string> indices;
    for (const Step& step : history)
        indices.push_back(std::to_string(step.index));
    fmt::print("shortest history ({} steps): {}\n", history.size(), again.value_or("holds"));
    print_steps(history);
    fmt::print("again: sim --seeds {0}..{0} --steps {1} --faults {2} --only {3} --verbose\n",
               seed,
               settings.steps,
               settings.faults,
               fmt::join(indices, ","));
}

/// `A..B`, or one.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_seeds(const std::string& text) {
    std::size_t dots = text.find("..");
    auto first = parse_number(text.substr(0, dots));
    auto last = dots == std::string::npos ? first : parse_number(text.substr(dots + 2));
    if (!first || !last || *last < *first) return std::nullopt;
    return std::pair(*first, *last);
}

int replay_all(const Settings& settings, Runner& runner) {
    int failed = 0;
    for (const std::string& path : settings.replay) {
        auto recorded = read_recorded(path);
        auto what =
            recorded ? runner.replay(*recorded, settings.verbose) : recorded.error().message;
        fmt::print("{}: {}\n", path, what.value_or("all promises held"));
        failed += what ? 1 : 0;
    }
    return failed == 0 ? 0 : 1;
}

/// Looks for a history in which all that is expected is said, and makes it a file's content.
int record(const Settings& settings,
           std::uint64_t first,
           std::uint64_t last,
           const std::vector<Action>& faults,
           Runner& runner) {
    auto is_wanted = [&](const History& history) {
        return !runner.replay({history, settings.expect}, false);
    };
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        History history = make_history(seed, settings.steps, faults);
        if (!is_wanted(history)) continue;
        history = runner.shrink(std::move(history), is_wanted);
        for (const std::string& text : settings.expect)
            fmt::print("expect: {}\n", text);
        print_steps(history);
        return 0;
    }
    fmt::print("nobody says so in seeds {} to {}\n", first, last);
    return 1;
}

/// A thundering herd: so many jobs that are due at the same moment.
int run_storm(const Settings& settings, Runner& runner) {
    auto what = runner.run_storm(settings.storm, settings.verbose);
    fmt::print("{} jobs due at once: {}\n", settings.storm, what.value_or("all promises held"));
    return what ? 1 : 0;
}

int run_all(const Settings& settings,
            std::uint64_t first,
            std::uint64_t last,
            const std::vector<Action>& faults,
            Runner& runner) {
    World::Figures sum;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        current_seed = seed;
        History history = pick(make_history(seed, settings.steps, faults), settings.only);
        if (auto what = runner.run(history, settings.verbose)) {
            if (settings.expect_failure) {
                fmt::print("{}: found by seed {} ({} of {}): {}\n",
                           settings.mutation,
                           seed,
                           seed - first + 1,
                           last - first + 1,
                           *what);
                return 0;
            }
            report(seed, settings, runner, std::move(history), *what);
            return 1;
        }
        const auto& figures = runner.figures();
        sum.jobs += figures.jobs;
        sum.starts += figures.starts;
        sum.crashes += figures.crashes;
        sum.purged += figures.purged;
        for (const auto& [end, count] : figures.ends)
            sum.ends[end] += count;
    }
    if (settings.expect_failure) {
        fmt::print("{}: not found by seeds {} to {}\n", settings.mutation, first, last);
        return 1;
    }
    fmt::print("seeds {} to {}: all promises held; {} jobs, {} starts, {} crashes, {} purged",
               first,
               last,
               sum.jobs,
               sum.starts,
               sum.crashes,
               sum.purged);
    for (const auto& [end, count] : sum.ends)
        fmt::print(", {} {}", count, end);
    fmt::print("\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app("runs the daemon's parts through seeded histories of faults");
    app.add_option("--seeds", settings.seeds, "the first and the last: A..B, or one");
    app.add_option("--steps", settings.steps, "steps of a history")
        ->check(CLI::Range(1, 1'000'000));
    app.add_option(
        "--faults", settings.faults, "all, none, or some of crash,disk,engine,clock,history");
    app.add_option("--only", settings.only, "these steps alone")->delimiter(',');
    app.add_option("--mutation", settings.mutation, "plant this bug (docs/robustness.md)");
    app.add_flag("--expect-failure", settings.expect_failure, "succeed when a promise breaks");
    app.add_option("--replay", settings.replay, "histories in files, as a failure prints them");
    app.add_option("--expect",
                   settings.expect,
                   "record the shortest history in which --verbose says this; several: in order")
        ->allow_extra_args(false);
    app.add_option("--storm", settings.storm, "so many jobs that are due at the same moment");
    app.add_flag("--verbose", settings.verbose, "say what happens");
    app.add_flag("!--no-shrink", settings.shrink, "print a failing seed as it is");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    auto faults = parse_faults(settings.faults);
    if (!faults) {
        fmt::print(stderr, "sim: {}\n", faults.error().message);
        return 2;
    }
    auto seeds = parse_seeds(settings.seeds);
    bool is_any_left = std::all_of(settings.only.begin(), settings.only.end(), [&](int step) {
        return step >= 0 && step < settings.steps;
    });
    if (!seeds || !is_any_left) {
        fmt::print(
            stderr,
            "sim: --seeds {} is not A..B with A <= B, or --only names a step that --steps {} "
            "does not have\n",
            settings.seeds,
            settings.steps);
        return 2;
    }
    set_log_level(LogLevel::debug);
    // What the daemon logs of its crashes is of interest in one run, not in thousands.
    if (!settings.verbose && std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
    (void)std::signal(SIGABRT, on_abort);
    mutation = settings.mutation;
    // Nothing has to survive the machine: memory is fast.
    std::filesystem::path base = "/dev/shm";
    if (::access(base.c_str(), W_OK) != 0) base = std::filesystem::temp_directory_path();
    std::string pattern = (base / "simulation-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::perror("sim: mkdtemp");
        return 1;
    }
    Runner runner(std::filesystem::path(pattern) / "logs");
    int result = !settings.replay.empty() ? replay_all(settings, runner)
                 : settings.storm > 0     ? run_storm(settings, runner)
                 : !settings.expect.empty()
                     ? record(settings, seeds->first, seeds->second, *faults, runner)
                     : run_all(settings, seeds->first, seeds->second, *faults, runner);
    if (!mutation.empty() && !mutation_was_reached) {
        fmt::print("{}: no line of the daemon asks for this bug\n", mutation);
        result = 1;
    }
    std::error_code ignored;
    std::filesystem::remove_all(pattern, ignored);
    return result;
}
