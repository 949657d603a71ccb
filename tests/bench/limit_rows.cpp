/// What the rows of submits and of pipelined adds can't go beyond: the store without threads and
/// front ends, and a round trip without the store.

#include "daemon/base/random.hpp"
#include "tests/bench/filler.hpp"
#include "tests/bench/our_daemon.hpp"
#include "tests/bench/peers.hpp"
#include "tests/bench/protocols.hpp"
#include "tests/support/manual_executor.hpp"

namespace scheduler::bench {
namespace {

/// The store's adds, so many a commit, one commit after the other; the log of writes is copied by
/// another thread, as in the daemon.
class StoreAlone {
  public:
    StoreAlone(const std::filesystem::path& dir, std::size_t adds_a_commit)
        : adds_a_commit_(adds_a_commit) {
        std::filesystem::permissions(dir, std::filesystem::perms::owner_all);
        SqliteStore::Parts parts{dir / "schedulerd.db", commits_, clock_, system_random(), {}};
        parts.checkpoints = checkpoints_.get();
        auto opened = SqliteStore::open(std::move(parts));
        if (!opened) throw std::runtime_error(opened.error().message);
        store_ = std::move(*opened);
    }
    ~StoreAlone() {
        checkpoints_.reset();
        commits_.run();
    }
    StoreAlone(const StoreAlone&) = delete;
    StoreAlone& operator=(const StoreAlone&) = delete;

    /// Adds a second.
    double measure(double seconds) {
        using Seconds = std::chrono::duration<double>;
        const auto begin = std::chrono::steady_clock::now();
        Seconds passed{};
        std::uint64_t added = 0;
        while (passed.count() < seconds) {
            commit();
            added += adds_a_commit_;
            passed = std::chrono::steady_clock::now() - begin;
        }
        return static_cast<double>(added) / passed.count();
    }

  private:
    void commit() {
        for (std::size_t i = 0; i < adds_a_commit_; ++i) {
            TimePoint now = clock_.now();
            JobSpec spec;
            spec.command = {"run", "50", "0"};
            NewJob job{"test/busybox:1", spec, now, now + std::chrono::hours(1), {}, {}, "uid:0"};
            store_->insert({std::move(job)}, [](const Result<std::vector<AddedJob>>& done) {
                if (!done) throw std::runtime_error(done.error().message);
            });
        }
        commits_.run();
    }

    const std::size_t adds_a_commit_;
    SystemClock clock_;
    FakeClock no_timers_;  // a full disk alone sets some
    ManualExecutor commits_{no_timers_};
    std::unique_ptr<ThreadExecutor> checkpoints_ = std::make_unique<ThreadExecutor>("checkpoint");
    std::unique_ptr<SqliteStore> store_;
};

}  // namespace

void measure_limits(Bench& bench) {
    constexpr std::size_t batch = 256;
    auto disk = bench.new_dir("disk");
    double seconds = bench.settings.seconds();
    OurDaemon daemon(bench, bench.new_dir("state"));
    StoreAlone one(bench.new_dir("one"), 1);
    StoreAlone many(bench.new_dir("many"), batch);
    auto constant = HttpRequest::get("/healthz");
    Figures syncs, of_one, of_many, round_trips;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        syncs.add(disk_syncs_per_second(disk, seconds));
        of_one.add(one.measure(seconds));
        round_trips.add(run_closed_loop(daemon.http(), constant, {.seconds = seconds}).rate());
        of_many.add(many.measure(seconds));
    }
    bench.report.add({"limit_store_1",
                      "the store alone in one thread, one add a commit",
                      "jobs/s",
                      "disk, fdatasync",
                      {},
                      of_one,
                      syncs});
    bench.report.add({"limit_round_trip",
                      "GET /healthz, one keep-alive client",
                      "requests/s",
                      "disk, fdatasync",
                      {},
                      round_trips,
                      syncs});
    bench.report.add({"limit_store_256",
                      "the store alone in one thread, 256 adds a commit",
                      "jobs/s",
                      "disk, fdatasync",
                      {},
                      of_many,
                      syncs});
}

}  // namespace scheduler::bench
