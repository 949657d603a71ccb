/// What must not grow with the number of rows: start-up, memory, and the time of the store's verbs.

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/our_daemon.hpp"
#include "tests/bench/store_times.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/rpc_client.hpp"

namespace scheduler::bench {
namespace {

using Json = nlohmann::json;

constexpr int running_jobs = 1000;
constexpr int connections_each = 500;

std::vector<std::int64_t> sizes(const Settings& settings) {
    if (settings.quick) return {10'000, 100'000};
    return {10'000, 100'000, 1'000'000, 10'000'000};
}

double start_time(Bench& bench, const std::filesystem::path& state_dir) {
    OurDaemon daemon(bench, state_dir);
    double time = daemon.ready_ms();
    daemon.stop();
    return time;
}

/// Jobs that run longer than the benchmark.
void start_jobs(const OurDaemon& daemon) {
    test::RpcClient client(daemon.socket());
    Json jobs = Json::array();
    for (int i = 0; i < running_jobs; ++i)
        jobs.push_back({{"job_name", "test/busybox:1"},
                        {"time", "0s"},
                        {"command", {"run", "86400000", "0"}}});
    Json answer = client.call("add", {{"jobs", jobs}});
    if (!answer.contains("result")) throw std::runtime_error("jobs were refused: " + answer.dump());
    auto is_running = [&] {
        Json status = client.call("status");
        return status["result"]["jobs"].value("running", 0) >= running_jobs;
    };
    if (!test::eventually(is_running, std::chrono::minutes(2)))
        throw std::runtime_error(fmt::format("{} jobs do not run", running_jobs));
}

/// MiB resident with running jobs and open connections, each of which has asked something.
double memory_at_work(Bench& bench, const std::filesystem::path& state_dir) {
    FakeEngine engine(bench);
    OurDaemon daemon(bench, state_dir, engine.url(), {"--max-running", "1000"});
    start_jobs(daemon);
    std::vector<std::unique_ptr<test::RpcClient>> lines;
    std::vector<std::unique_ptr<test::HttpClient>> http;
    for (int i = 0; i < connections_each; ++i) {
        lines.push_back(std::make_unique<test::RpcClient>(daemon.socket()));
        (void)lines.back()->call("list", {{"limit", 100}});
        http.push_back(std::make_unique<test::HttpClient>(daemon.http().port));
        (void)http.back()->get("/jobs?limit=100");
    }
    double resident = daemon.resident_mib();
    // Nothing of it stays for the next measurement.
    test::RpcClient client(daemon.socket());
    Json jobs = client.call("list", {{"status", {"running"}}, {"limit", 1000}});
    for (const Json& job : jobs["result"]["jobs"])
        (void)client.call("kill", {{"job_id", job["id"]}, {"now", true}});
    (void)test::eventually(
        [&] { return client.call("status")["result"]["jobs"].value("running", 0) == 0; });
    daemon.stop();
    return resident;
}

struct AtSize {
    std::int64_t rows = 0;
    Figures start, memory;
    StoreTimes store;
};

void report_store_row(Bench& bench,
                      const AtSize& small,
                      const AtSize& large,
                      const char* id,
                      const std::string& what,
                      Figures StoreTimes::*figures) {
    bench.report.add({id,
                      fmt::format("{}, {} rows", what, show_count(large.rows)),
                      "ms",
                      fmt::format("ours at {}", show_count(small.rows)),
                      Target::ratio_at_most(2),
                      large.store.*figures,
                      small.store.*figures});
}

void report_rows(Bench& bench, const std::vector<AtSize>& measured) {
    const AtSize& small = measured.front();
    const AtSize& large = measured.back();
    for (const AtSize& size : measured)
        bench.report.add({fmt::format("start_{}", size.rows),
                          fmt::format("start-up to ready, {} rows", show_count(size.rows)),
                          "ms",
                          "",
                          Target::ours_at_most(50),
                          size.start});
    bench.report.add({"memory",
                      fmt::format("resident, {} jobs stored, {} running, {} connections",
                                  show_count(large.rows),
                                  running_jobs,
                                  2 * connections_each),
                      "MiB",
                      "",
                      Target::ours_at_most(150),
                      large.memory});
    bench.report.add({"memory_growth",
                      "the same",
                      "MiB",
                      fmt::format("ours at {}", show_count(small.rows)),
                      Target::ratio_at_most(1.2),
                      large.memory,
                      small.memory});
    report_store_row(
        bench, small, large, "list_first", "first page of 100", &StoreTimes::first_page);
    report_store_row(
        bench, small, large, "list_deep", "page of 100 at any depth", &StoreTimes::any_page);
    report_store_row(bench, small, large, "next_due", "next_due", &StoreTimes::next_due);
    report_store_row(bench, small, large, "claim", "claim of one", &StoreTimes::claim);
    report_store_row(bench, small, large, "remove", "remove of one", &StoreTimes::remove);
}

void draw_curves(Bench& bench, const std::vector<AtSize>& measured) {
    Curve verbs{"store_verbs", "Time of a verb of the store", "ms", {}};
    Curve starts{"start_up", "Start-up to ready", "ms", {}};
    Curve memory{"memory", "Resident, 1,000 running, 1,000 connections", "MiB", {}};
    for (const AtSize& size : measured) {
        auto x = static_cast<double>(size.rows);
        verbs.add("first page", x, size.store.first_page.median());
        verbs.add("page at any depth", x, size.store.any_page.median());
        verbs.add("next_due", x, size.store.next_due.median());
        verbs.add("claim", x, size.store.claim.median());
        verbs.add("remove", x, size.store.remove.median());
        starts.add("start-up", x, size.start.median());
        if (!size.memory.empty()) memory.add("resident", x, size.memory.median());
    }
    bench.report.add(verbs);
    bench.report.add(starts);
    bench.report.add(memory);
}

}  // namespace

void measure_sizes(Bench& bench) {
    std::vector<AtSize> measured;
    for (std::int64_t size : sizes(bench.settings)) {
        AtSize at;
        at.rows = size;
        auto state_dir = bench.filled_state(size);
        // The first start after a fill makes files that the next ones find, so it is not counted.
        (void)start_time(bench, state_dir);
        at.memory.add(memory_at_work(bench, state_dir));
        measured.push_back(std::move(at));
    }
    // Round by round, so that the sizes are measured next to each other.
    for (int round = 0; round < bench.settings.rounds; ++round)
        for (AtSize& at : measured)
            at.start.add(start_time(bench, bench.filled_state(at.rows)));
    for (int round = 0; round < bench.settings.rounds; ++round)
        for (AtSize& at : measured)
            measure_store(bench.filled_state(at.rows), at.rows, at.store);
    report_rows(bench, measured);
    draw_curves(bench, measured);
}

}  // namespace scheduler::bench
