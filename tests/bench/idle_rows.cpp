/// What a daemon with nothing to do does: wake-ups and time of the processor, from /proc.

#include <chrono>
#include <thread>

#include "tests/bench/our_daemon.hpp"
#include "tests/bench/protocols.hpp"

namespace scheduler::bench {

void measure_idle(Bench& bench) {
    using namespace std::chrono_literals;
    FakeEngine engine(bench);
    OurDaemon daemon(bench, bench.new_dir("state"), engine.url());
    // Until what follows the start is over: the engine's survey, and retention.
    std::this_thread::sleep_for(5s);
    Figures wakeups, cpu;
    const std::chrono::seconds length = bench.settings.quick ? 5s : 20s;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        Activity before = activity(daemon.pid());
        std::this_thread::sleep_for(length);
        Activity after = activity(daemon.pid());
        auto seconds = static_cast<double>(length.count());
        wakeups.add(static_cast<double>(after.wakeups - before.wakeups) * 60 / seconds);
        cpu.add((after.cpu_seconds - before.cpu_seconds) * 100 / seconds);
    }
    bench.report.add(
        {"idle_wakeups", "idle, wake-ups of all threads", "a minute", "", {}, wakeups});
    bench.report.add(
        {"idle_cpu", "idle, processor", "% of a core", "", Target::ours_at_most(0.049), cpu});
}

}  // namespace scheduler::bench
