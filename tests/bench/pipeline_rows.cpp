/// Pipelined `add` on one connection, beside Redis with the same number under way.

#include "tests/bench/our_daemon.hpp"
#include "tests/bench/peers.hpp"
#include "tests/bench/protocols.hpp"

namespace scheduler::bench {

void measure_pipelined_adds(Bench& bench) {
    constexpr int batch = 256;
    const std::string job = job_json(R"("time":"1h")");
    OurDaemon daemon(bench, bench.new_dir("state"));
    std::unique_ptr<Redis> redis;
    std::string note;
    try {
        redis = std::make_unique<Redis>(bench);
    } catch (const Absent& absent) {
        note = absent.what();
    }
    AddLines add(job);
    RedisZadd zadd(job);
    Figures ours, theirs;
    std::uint64_t next = 0;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        ClosedLoop how{.batch = batch, .seconds = bench.settings.seconds(), .first_number = next};
        ours.add(run_closed_loop(daemon.lines(), add, how).rate());
        if (redis) theirs.add(run_closed_loop(redis->endpoint(), zadd, how).rate());
        next += 100'000'000;  // members of the sorted set differ
    }
    bench.report.add({"add_pipelined",
                      "pipelined add, batches of 256 on one socket connection",
                      "jobs/s",
                      "redis, fsync always",
                      Target::ratio_at_least(1),
                      ours,
                      theirs,
                      note});
}

}  // namespace scheduler::bench
