/// schedctl as a user runs it: whole processes, from the start to the exit, beside `at`.

#include <fstream>

#include <unistd.h>

#include "tests/bench/our_daemon.hpp"

namespace scheduler::bench {
namespace {

constexpr int runs = 40;  ///< a round; its figure is their median

template <class Run>
double median_of_runs(Run run) {
    Figures times;
    for (int i = 0; i < runs; ++i)
        times.add(run());
    return times.median();
}

/// Jobs of at(1) are queued on the machine itself, so they are taken back.
class At {
  public:
    explicit At(Bench& bench) : dir_(bench.new_dir("at")) {
        if (!is_installed("at")) throw Absent("at is not installed; apt-get install at");
        std::ofstream(dir_ / "script") << "true\n";
        try {
            (void)add();
        } catch (const std::runtime_error& error) {
            throw Absent(std::string("at can't be run here: ") + error.what());
        }
    }
    ~At() {
        try {
            run_quietly({"sh", "-c", "atq -q b | cut -f1 | xargs -r atrm"});
        } catch (const std::runtime_error&) {
            std::fputs("bench: jobs of at are left; see atq -q b\n", stderr);
        }
    }
    At(const At&) = delete;
    At& operator=(const At&) = delete;
    /// Queue b, so that nobody else's jobs are taken back.
    [[nodiscard]] double add() const {
        return time_of_run({"at", "-q", "b", "-f", dir_ / "script", "now", "+", "1", "day"});
    }
    [[nodiscard]] static double list() { return time_of_run({"atq", "-q", "b"}); }

  private:
    std::filesystem::path dir_;
};

}  // namespace

void measure_commands(Bench& bench) {
    OurDaemon daemon(bench, bench.new_dir("state"));
    std::unique_ptr<At> at;
    std::string note;
    try {
        at = std::make_unique<At>(bench);
    } catch (const Absent& absent) {
        note = absent.what();
    }
    const std::string schedctl = bench.settings.bin / "schedctl";
    auto run = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {schedctl, "--socket", daemon.socket()});
        return time_of_run(words);
    };
    Figures add, ls, at_add, at_list, nothing;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        add.add(median_of_runs([&] { return run({"add", "test/busybox:1", "--in", "1d"}); }));
        if (at) at_add.add(median_of_runs([&] { return at->add(); }));
        ls.add(median_of_runs([&] { return run({"ls", "-n", "50"}); }));
        if (at) at_list.add(median_of_runs([&] { return At::list(); }));
        nothing.add(median_of_runs([&] { return time_of_run({"true"}); }));
    }
    Target target = Target::ours_at_most(5);
    bench.report.add(
        {"schedctl_add", "schedctl add, whole process", "ms", "at", target, add, at_add, note});
    bench.report.add({"schedctl_ls",
                      "schedctl ls of 50, whole process",
                      "ms",
                      "atq",
                      target,
                      ls,
                      at_list,
                      note});
    bench.report.add({"schedctl_nothing",
                      "schedctl ls of 50 beside a process that does nothing",
                      "ms",
                      "true",
                      {},
                      ls,
                      nothing});
}

}  // namespace scheduler::bench
