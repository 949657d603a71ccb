/// GET /jobs of everything: what it costs, and what others notice of it. And the log of writes
/// while a reader is slow.

#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "tests/bench/our_daemon.hpp"
#include "tests/bench/protocols.hpp"
#include "tests/support/http_client.hpp"

namespace scheduler::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t piece = 256 * 1024;
constexpr double others_per_second = 500;

/// Watches a figure while it lives, and keeps the largest.
template <class Read>
class Peak {
  public:
    explicit Peak(Read read) : read_(std::move(read)), thread_([this] { watch(); }) {}
    ~Peak() { stop(); }
    Peak(const Peak&) = delete;
    Peak& operator=(const Peak&) = delete;
    double stop() {
        is_over_ = true;
        if (thread_.joinable()) thread_.join();
        return largest_;
    }

  private:
    void watch() {
        while (!is_over_) {
            largest_ = std::max(largest_, read_());
            std::this_thread::sleep_for(10ms);
        }
    }
    Read read_;
    std::atomic<bool> is_over_ = false;
    double largest_ = 0;
    std::thread thread_;
};

/// Asks for all jobs, on a connection that is closed after the answer.
test::ClientSocket ask_for_all(const OurDaemon& daemon) {
    auto socket = test::ClientSocket::to_port(daemon.http().port);
    socket.send("GET /jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::string head = socket.read_until("\r\n\r\n");
    if (head.find(" 200 ") == std::string::npos)
        throw std::runtime_error("GET /jobs was refused: " + head);
    return socket;
}

struct Listing {
    double seconds = 0;
    double mib = 0;
};

Listing read_all(const OurDaemon& daemon) {
    auto begin = Clock::now();
    auto socket = ask_for_all(daemon);
    std::size_t size = 0, got = 0;
    do {
        got = socket.read_bytes(piece).size();
        size += got;
    } while (got == piece);
    return {std::chrono::duration<double>(Clock::now() - begin).count(),
            static_cast<double>(size) / (1 << 20)};
}

LoadResult ask_others(const OurDaemon& daemon, const std::string& target, double seconds) {
    return run_open_loop(
        daemon.http(), HttpRequest::get(target), {.rate = others_per_second, .seconds = seconds});
}

struct Streamed {
    Figures jobs_per_second, p99_alone, p99_meanwhile, resident_before, resident_peak;
};

void measure_round(const OurDaemon& daemon,
                   const std::string& target,
                   const Settings& settings,
                   Streamed& streamed) {
    constexpr double slice = 0.5;
    streamed.p99_alone.add(ask_others(daemon, target, settings.seconds()).percentile_ms(0.99));
    streamed.resident_before.add(daemon.resident_mib());
    Peak resident([&] { return daemon.resident_mib(); });
    std::atomic<bool> is_over = false;
    Listing listing;
    std::exception_ptr failure;
    std::thread reader([&] {
        try {
            listing = read_all(daemon);
        } catch (...) {
            failure = std::current_exception();
        }
        is_over = true;
    });
    std::vector<float> latencies;
    while (!is_over) {
        auto part = ask_others(daemon, target, slice);
        latencies.insert(latencies.end(), part.latencies_ms.begin(), part.latencies_ms.end());
    }
    reader.join();
    if (failure) std::rethrow_exception(failure);
    streamed.resident_peak.add(resident.stop());
    streamed.jobs_per_second.add(static_cast<double>(settings.million()) / listing.seconds);
    streamed.p99_meanwhile.add(quantile(latencies, 0.99));
}

double size_mib(const std::filesystem::path& file) {
    std::error_code missing;
    auto size = std::filesystem::file_size(file, missing);
    return missing ? 0 : static_cast<double>(size) / (1 << 20);
}

/// The largest the log of writes gets while all jobs are read slowly and four clients write as fast
/// as they can.
double peak_of_wal(const OurDaemon& daemon,
                   const std::filesystem::path& state_dir,
                   double seconds) {
    Peak wal([&] { return size_mib(state_dir / "schedulerd.db-wal"); });
    std::atomic<bool> is_over = false;
    std::thread reader([&] {
        auto socket = ask_for_all(daemon);
        while (!is_over && !socket.read_bytes(16 * 1024).empty())
            std::this_thread::sleep_for(50ms);
    });
    AddLines add(job_json(R"("time":"1h")"));
    std::exception_ptr failure;
    try {
        (void)run_closed_loop(
            daemon.lines(), add, {.connections = 4, .batch = 64, .seconds = seconds});
    } catch (...) {
        failure = std::current_exception();
    }
    is_over = true;
    reader.join();
    if (failure) std::rethrow_exception(failure);
    return wal.stop();
}

}  // namespace

void measure_streams(Bench& bench) {
    auto state_dir = bench.filled_state(bench.settings.million());
    OurDaemon daemon(bench, state_dir);
    std::string first = test::http(daemon.http().port, "GET", "/jobs?limit=1").body;
    auto id_at = first.find("\"id\":\"");
    if (id_at == std::string::npos) throw std::runtime_error("GET /jobs names no id: " + first);
    const std::string target = "/job/" + first.substr(id_at + 6, 32);
    Streamed streamed;
    for (int round = 0; round < bench.settings.rounds; ++round)
        measure_round(daemon, target, bench.settings, streamed);
    std::string what = fmt::format("GET /jobs of {}", show_count(bench.settings.million()));
    bench.report.add(
        {"list_all_rate", what + ", streamed", "jobs/s", "", {}, streamed.jobs_per_second});
    bench.report.add(
        {"list_all_others",
         fmt::format("p99 of GET /job/{{id}} meanwhile, {:g}/s open loop", others_per_second),
         "ms",
         "ours alone",
         Target::ratio_at_most(2),
         streamed.p99_meanwhile,
         streamed.p99_alone});
    bench.report.add({"list_all_memory",
                      what + ", resident at most",
                      "MiB",
                      "ours before",
                      Target::ratio_at_most(1.2),
                      streamed.resident_peak,
                      streamed.resident_before});
    Figures wal;
    wal.add(peak_of_wal(daemon, state_dir, bench.settings.quick ? 3 : 30));
    bench.report.add({"wal",
                      "write-ahead log at most, a slow reader, writers at full rate",
                      "MiB",
                      "",
                      Target::ours_at_most(256),
                      wal});
}

}  // namespace scheduler::bench
