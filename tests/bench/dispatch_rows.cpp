/// Lateness: from the moment at which a job is due to the daemon's call to the engine, seen by the
/// engine. Between the two lie the timer, the claim, its commit, and the call. In memory the commit
/// costs next to nothing: what is left bounds the time from the commit to the call.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/time.hpp"
#include "tests/bench/filler.hpp"
#include "tests/bench/our_daemon.hpp"
#include "tests/bench/peers.hpp"
#include "tests/support/rpc_client.hpp"

namespace scheduler::bench {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Nanoseconds = std::chrono::sys_time<std::chrono::nanoseconds>;

constexpr int due_per_second = 500;
constexpr int jobs_a_line = 250;

struct Calls {
    std::unordered_map<std::string, Nanoseconds> creates, starts;  ///< by name of the container
};

/// What the fake engine is asked for, as its event stream tells it: read until `count` starts were
/// seen.
Calls read_calls(test::ClientSocket& events, std::size_t count) {
    Calls calls;
    while (calls.starts.size() < count) {
        std::string line = events.read_until("\n");
        if (line.empty()) throw std::runtime_error("the fake engine ended its events");
        if (line.front() != '{') continue;  // the size of a chunk
        Json event = Json::parse(line);
        auto& into = event["Action"] == "create" ? calls.creates : calls.starts;
        into.emplace(event["Actor"]["Attributes"]["name"].get<std::string>(),
                     Nanoseconds(std::chrono::nanoseconds(event["timeNano"].get<std::int64_t>())));
    }
    return calls;
}

/// Submits jobs that come due one after the other; due times by name of the container.
std::unordered_map<std::string, TimePoint> submit(const OurDaemon& daemon,
                                                  TimePoint first_due,
                                                  int count) {
    test::RpcClient client(daemon.socket());
    std::unordered_map<std::string, TimePoint> due;
    for (int first = 0; first < count; first += jobs_a_line) {
        Json jobs = Json::array();
        std::vector<TimePoint> times;
        for (int i = first; i < std::min(first + jobs_a_line, count); ++i) {
            times.push_back(first_due + Duration(1000 / due_per_second) * i);
            jobs.push_back({{"job_name", "test/busybox:1"},
                            {"date", to_rfc3339(times.back())},
                            {"command", {"run", "50", "0"}}});
        }
        Json answer = client.call("add", {{"jobs", jobs}});
        if (!answer.contains("result"))
            throw std::runtime_error("jobs were refused: " + answer.dump());
        const Json& added = answer["result"]["jobs"];
        for (std::size_t i = 0; i < added.size(); ++i)
            due["schedulerd-" + added[i]["id"].get<std::string>() + "-1"] = times[i];
    }
    return due;
}

std::vector<float> lateness(const std::unordered_map<std::string, Nanoseconds>& calls,
                            const std::unordered_map<std::string, TimePoint>& due) {
    std::vector<float> late;
    for (const auto& [name, at] : calls)
        if (auto found = due.find(name); found != due.end())
            late.push_back(std::chrono::duration<float, std::milli>(at - found->second).count());
    return late;
}

struct Lateness {
    Figures create_p50, create_p99, start_p50, start_p99;
};

void measure_round(const FakeEngine& engine,
                   const OurDaemon& daemon,
                   int seconds,
                   Lateness& measured) {
    const int count = due_per_second * seconds;
    auto events = test::ClientSocket::to_path(engine.socket());
    events.send("GET /events?filters={\"event\":[\"create\",\"start\"]} HTTP/1.1\r\n\r\n");
    (void)events.read_until("\r\n\r\n");
    auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    auto due = submit(daemon, now + 4s, count);
    Calls calls = read_calls(events, static_cast<std::size_t>(count));
    auto creates = lateness(calls.creates, due), starts = lateness(calls.starts, due);
    measured.create_p50.add(quantile(creates, 0.5));
    measured.create_p99.add(quantile(creates, 0.99));
    measured.start_p50.add(quantile(starts, 0.5));
    measured.start_p99.add(quantile(starts, 0.99));
}

/// A state directory in memory, where a commit costs no disk; removed at the end.
class MemoryState {
  public:
    explicit MemoryState(std::int64_t jobs) {
        std::string pattern = "/dev/shm/scheduler-bench-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            throw Absent("there is no /dev/shm for a state directory in memory");
        dir_ = pattern;
        fill_state(dir_, jobs);
    }
    ~MemoryState() {
        std::error_code ignored;
        std::filesystem::remove_all(dir_, ignored);
    }
    MemoryState(const MemoryState&) = delete;
    MemoryState& operator=(const MemoryState&) = delete;
    [[nodiscard]] const std::filesystem::path& dir() const { return dir_; }

  private:
    std::filesystem::path dir_;
};

Lateness measure_rounds(Bench& bench, const std::filesystem::path& state_dir, Figures& sync_ms) {
    FakeEngine engine(bench);
    OurDaemon daemon(bench, state_dir, engine.url(), {"--max-running", "1000"});
    Lateness measured;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        sync_ms.add(1000 / disk_syncs_per_second(bench.settings.data, 0.5));
        measure_round(engine, daemon, bench.settings.quick ? 2 : 10, measured);
    }
    return measured;
}

}  // namespace

void measure_dispatch(Bench& bench) {
    const std::int64_t jobs = bench.settings.million();
    const std::string disk = "disk, one fdatasync";
    Figures sync_ms, ignored;
    Lateness on_disk = measure_rounds(bench, bench.filled_state(jobs), sync_ms);
    MemoryState memory(jobs);
    Lateness in_memory = measure_rounds(bench, memory.dir(), ignored);
    bench.report.add(
        {"due_to_create_memory_p50",
         fmt::format("p50, due to the engine's create, {} due a second, {} jobs in memory",
                     due_per_second,
                     show_count(jobs)),
         "ms",
         "",
         Target::ours_at_most(1),
         in_memory.create_p50});
    bench.report.add({"due_to_create_memory_p99",
                      "p99 of the same",
                      "ms",
                      "",
                      Target::ours_at_most(5),
                      in_memory.create_p99});
    auto add = [&](const char* id, const char* what, const Figures& figures) {
        bench.report.add({id, what, "ms", disk, {}, figures, sync_ms});
    };
    add("due_to_create_p50", "p50 of the same, jobs on the disk", on_disk.create_p50);
    add("due_to_create_p99", "p99 of the same", on_disk.create_p99);
    add("due_to_start_p50", "p50, due to the engine's start, jobs on the disk", on_disk.start_p50);
    add("due_to_start_p99", "p99 of the same", on_disk.start_p99);
}

}  // namespace scheduler::bench
