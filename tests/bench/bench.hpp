#pragma once
/// What each group of rows gets: how long to measure, where, and the report. The groups stand in
/// files named after them; main.cpp lists them.

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include "tests/bench/report.hpp"

namespace scheduler::bench {

/// A row can't be measured here: its peer is not installed, or there is no engine.
struct Absent : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Settings {
    int rounds = 5;
    bool quick = false;
    std::filesystem::path out;   ///< results
    std::filesystem::path data;  ///< databases and the peers' files, all on one file system
    std::filesystem::path bin;   ///< schedulerd, schedctl, fake_engine

    [[nodiscard]] double seconds() const { return quick ? 0.5 : 2; }
    [[nodiscard]] std::int64_t million() const { return quick ? 100'000 : 1'000'000; }
};

class Bench {
  public:
    Bench(Settings settings, Report& report);
    ~Bench();
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    const Settings& settings;
    Report& report;

    /// An empty directory in `data`; removed when the run ends.
    std::filesystem::path new_dir(const std::string& name);
    /// For sockets, whose paths must be short.
    [[nodiscard]] const std::filesystem::path& socket_dir() const { return sockets_; }
    /// A state directory with so many jobs, half of them scheduled, half in history. Filled once a
    /// run.
    std::filesystem::path filled_state(std::int64_t jobs);

  private:
    Settings settings_;
    std::filesystem::path sockets_;
    std::map<std::int64_t, std::filesystem::path> filled_;
    int dirs_ = 0;
};

/// The groups of rows.
void measure_submits(Bench& bench);
void measure_pipelined_adds(Bench& bench);
void measure_limits(Bench& bench);
void measure_reads(Bench& bench);
void measure_dispatch(Bench& bench);
void measure_commands(Bench& bench);
void measure_sizes(Bench& bench);
void measure_streams(Bench& bench);
void measure_idle(Bench& bench);
void measure_containers(Bench& bench);

}  // namespace scheduler::bench
