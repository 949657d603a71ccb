/// Containers a second with a real engine, beside the engine's own ceiling.

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/engine_ceiling.hpp"
#include "tests/bench/our_daemon.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/rpc_client.hpp"

namespace scheduler::bench {
namespace {

using Json = nlohmann::json;

constexpr const char* image = "test/busybox:1";
constexpr std::string_view unix_scheme = "unix://";

std::string engine_url() {
    const char* host = std::getenv("DOCKER_HOST");  // NOLINT(concurrency-mt-unsafe)
    std::string url = host != nullptr ? host : "unix:///var/run/docker.sock";
    if (!url.starts_with(unix_scheme) || !std::filesystem::exists(url.substr(unix_scheme.size())))
        throw Absent(fmt::format("no engine at {}; say DOCKER_HOST=unix://SOCKET", url));
    if (!engine_has_image(url.substr(unix_scheme.size()), image))
        throw Absent(fmt::format(
            "the engine at {} has no {}; run tests/support/make-test-image.sh", url, image));
    return url;
}

/// Jobs a second from their submit, due at once, until the last has ended and its container is
/// gone.
double jobs_per_second(const OurDaemon& daemon, const std::string& engine, int count) {
    test::RpcClient client(daemon.socket());
    auto succeeded = [&] { return client.call("status")["result"]["jobs"].value("success", 0); };
    const int before = succeeded();
    Json jobs = Json::array();
    for (int i = 0; i < count; ++i)
        jobs.push_back({{"job_name", image}, {"time", "0s"}, {"command", {"true"}}});
    auto begin = std::chrono::steady_clock::now();
    Json answer = client.call("add", {{"jobs", jobs}});
    if (!answer.contains("result")) throw std::runtime_error("jobs were refused: " + answer.dump());
    auto is_over = [&] {
        return succeeded() >= before + count && !engine_has_our_containers(engine);
    };
    if (!test::eventually(is_over, std::chrono::minutes(10)))
        throw std::runtime_error(fmt::format("{} jobs did not end well", count));
    return count / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

void measure_containers(Bench& bench) {
    const std::string url = engine_url();
    const std::string socket = url.substr(unix_scheme.size());
    const int count = bench.settings.quick ? 20 : 50;
    OurDaemon daemon(bench, bench.new_dir("state"), url);
    // The engine's best parallelism is found once, before the rounds.
    int best = 1;
    double best_rate = 0;
    for (int parallel : {1, 2, 4, 8, 16}) {
        double rate = lean_containers_per_second(socket, image, parallel, count);
        if (rate > best_rate) {
            best = parallel;
            best_rate = rate;
        }
    }
    Figures ours, ceiling;
    for (int round = 0; round < bench.settings.rounds; ++round) {
        ours.add(jobs_per_second(daemon, socket, count));
        ceiling.add(lean_containers_per_second(socket, image, best, count));
    }
    bench.report.add({"containers",
                      fmt::format("containers of true, {} jobs due at once", count),
                      "a second",
                      fmt::format("lean client, {} at once", best),
                      Target::ratio_at_least(0.95),
                      ours,
                      ceiling});
}

}  // namespace scheduler::bench
