/// bench: the daemon and what people would use instead, side by side in one run
/// (docs/performance.md).

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/bench/bench.hpp"
#include "tests/bench/machine.hpp"

namespace scheduler::bench {
namespace {

struct Group {
    const char* name;
    void (*measure)(Bench&);
};

constexpr std::array groups{Group{"submit", measure_submits},
                            Group{"pipeline", measure_pipelined_adds},
                            Group{"limit", measure_limits},
                            Group{"read", measure_reads},
                            Group{"dispatch", measure_dispatch},
                            Group{"command", measure_commands},
                            Group{"size", measure_sizes},
                            Group{"stream", measure_streams},
                            Group{"idle", measure_idle},
                            Group{"container", measure_containers}};

/// Above this the machine is not ours alone.
constexpr double load_max = 0.5;

std::vector<std::string> group_names() {
    std::vector<std::string> names;
    for (const Group& group : groups)
        names.emplace_back(group.name);
    return names;
}

/// A group that fails is told, and the others are measured.
bool measure(const Group& group, Bench& bench) {
    try {
        group.measure(bench);
        return true;
    } catch (const Absent& absent) {
        bench.report.add({.id = group.name, .what = group.name, .note = absent.what()});
        return true;
    } catch (const std::exception& error) {
        bench.report.add({.id = group.name,
                          .what = group.name,
                          .note = fmt::format("failed: {}", error.what())});
        return false;
    }
}

int run(int argc, char** argv) {
    Settings settings;
    std::vector<std::string> only;
    settings.bin = std::filesystem::canonical("/proc/self/exe").parent_path();
    settings.out = settings.bin / "bench-results";
    CLI::App app("Measures schedulerd beside its peers, and prints a table of ratios.");
    app.add_option("--rounds", settings.rounds, "rounds of each measurement (5)")
        ->check(CLI::Range(1, 1000));
    app.add_option(
           "--only", only, "only these groups: " + fmt::format("{}", fmt::join(group_names(), ",")))
        ->delimiter(',')
        ->check(CLI::IsMember(group_names()));
    app.add_flag("--quick", settings.quick, "small tables and short rounds, to try it");
    app.add_option("--out", settings.out, "where results and plots go (bench-results)");
    app.add_option("--data", settings.data, "where databases and the peers' files go (OUT/data)");
    CLI11_PARSE(app, argc, argv);
    if (settings.quick && app.count("--rounds") == 0) settings.rounds = 1;
    std::filesystem::create_directories(settings.out);
    settings.out = std::filesystem::canonical(settings.out);
    // A directory of its own below --data: it is emptied.
    settings.data =
        settings.data.empty() ? settings.out / "data" : settings.data / "schedulerd-bench";
    std::filesystem::create_directories(settings.data);

    auto machine = describe_machine(settings.data);
    machine["rounds"] = settings.rounds;
    machine["quick"] = settings.quick;
    Report report(settings.out, machine);
    std::puts(one_line(machine).c_str());
    if (machine["load_average"].get<double>() > load_max)
        std::fprintf(
            stderr,
            "bench: other programs are running (load %.1f); stop them for figures that count\n",
            machine["load_average"].get<double>());
    report.print_head();
    Bench bench(settings, report);
    bool is_whole = true;
    for (const Group& group : groups)
        if (only.empty() || std::find(only.begin(), only.end(), group.name) != only.end())
            is_whole = measure(group, bench) && is_whole;
    std::printf(
        "%d targets missed; results and plots are in %s\n", report.missed(), settings.out.c_str());
    return is_whole ? 0 : 1;
}

}  // namespace
}  // namespace scheduler::bench

int main(int argc, char** argv) {
    try {
        return scheduler::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 1;
    }
}
