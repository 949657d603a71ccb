/// What a job's container is like from inside, with a real engine: each option of `schedctl add`
/// that isolates or limits it, on cgroup v1 and v2. Needs test/busybox:1.

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/live_daemon.hpp"

namespace scheduler::test {
namespace {

using Words = std::vector<std::string>;
using Catch::Matchers::Contains;

constexpr const char* image = "test/busybox:1";

Words operator+(Words left, const Words& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// Runs a job to its end; what it printed, if it ended well.
testing::ProgramResult run(const LiveDaemon& daemon, const Words& options, const Words& command) {
    return daemon.schedctl(Words{"add", image, "--now", "--follow", "-q"} + options + Words{"--"} +
                           command);
}

/// Lines of `name value`.
std::map<std::string, std::string> facts_in(const std::string& output) {
    std::map<std::string, std::string> facts;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        auto blank = std::min(line.find(' '), line.size());
        facts[line.substr(0, blank)] = line.substr(std::min(blank + 1, line.size()));
    }
    return facts;
}

/// The error of a job that did not start.
std::string error_of(const LiveDaemon& daemon, const Words& options) {
    auto result = run(daemon, options, {"true"});
    INFO(result.out << result.err);
    CHECK(result.exit_code != 0);
    CHECK(daemon.schedctl({"why", "last"}).exit_code == 0);
    auto job = nlohmann::json::parse(daemon.ask({"show", "last", "--json"}));
    CHECK(job.at("finish_status") == "failed");
    CHECK_FALSE(job.contains("started_at"));
    return job.value("error", "");
}

/// Prints what it finds around itself. The first file of each list is cgroup v1's.
constexpr const char* look_around = R"(
first() { for file; do [ -r $file ] && cat $file && return; done; echo none; }
echo pwd $(pwd)
echo uid $(id -u):$(id -g)
echo hostname $(hostname)
echo nofile $(ulimit -Sn):$(ulimit -Hn)
echo core $(ulimit -c)
echo bounding $(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
echo effective $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
echo no_new_privs $(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)
echo interfaces $(ls /sys/class/net)
echo root $(touch /x 2>/dev/null && echo writable || echo read-only)
echo shm_kib $(df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2)
echo scratch_kib $(df -k /scratch | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2)
echo scratch $(touch /scratch/x && echo writable)
echo in $(cat /in/file)
echo in_is $(touch /in/x 2>/dev/null && echo writable || echo read-only)
echo volume $(grep -c ' /vol ' /proc/mounts)
echo process_1 $(cat /proc/1/comm)
echo memory $(first /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max)
echo cpu $(first /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max)
echo pids $(first /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max)
echo from inside > /out/file
)";

}  // namespace

TEST_CASE("a container is as its options say, seen from inside", "[e2e]") {
    LiveDaemon daemon;
    TempDir shared;
    shared.write("file", "from outside");
    std::filesystem::create_directory(shared / "out");
    REQUIRE(::chmod((shared / "out").c_str(), 0777) == 0);
    REQUIRE(::chmod(shared.path().c_str(), 0755) == 0);
    const std::string source = shared.path().string();
    auto result = run(daemon,
                      {"--entrypoint",
                       "sh",
                       "-w",
                       "/work/deep",
                       "-u",
                       "65534:65533",
                       "--hostname",
                       "build-1",
                       "-m",
                       "64MiB",
                       "--cpus",
                       "0.5",
                       "--pids-limit",
                       "50",
                       "--shm-size",
                       "8MiB",
                       "--ulimit",
                       "nofile=100:200",
                       "--ulimit",
                       "core=0",
                       "--network",
                       "none",
                       "-v",
                       source + ":/in:ro",
                       "--mount",
                       "type=bind,source=" + source + "/out,target=/out",
                       "--mount",
                       "type=volume,target=/vol",
                       "--tmpfs",
                       "/scratch:size=1m,mode=1777",
                       "--read-only",
                       "--cap-drop",
                       "ALL",
                       "--cap-add",
                       "NET_ADMIN",
                       "--security-opt",
                       "no-new-privileges",
                       "--init"},
                      {"-c", look_around});
    INFO(result.out << result.err << daemon.log());
    REQUIRE(result.exit_code == 0);
    auto facts = facts_in(result.out);
    CHECK(facts["pwd"] == "/work/deep");
    CHECK(facts["uid"] == "65534:65533");
    CHECK(facts["hostname"] == "build-1");
    CHECK(facts["nofile"] == "100:200");
    CHECK(facts["core"] == "0");
    CHECK(facts["bounding"] == "0000000000001000");  // bit 12: CAP_NET_ADMIN
    CHECK(facts["effective"] == "0000000000000000");
    CHECK(facts["no_new_privs"] == "1");
    CHECK(facts["interfaces"] == "lo");
    CHECK(facts["root"] == "read-only");
    CHECK(facts["shm_kib"] == "8192");
    CHECK(facts["scratch_kib"] == "1024");
    CHECK(facts["scratch"] == "writable");
    CHECK(facts["in"] == "from outside");
    CHECK(facts["in_is"] == "read-only");
    CHECK(facts["volume"] == "1");
    CHECK_THAT(facts["process_1"], Contains("init"));
    CHECK(facts["memory"] == std::to_string(64 << 20));
    CHECK_THAT(facts["cpu"], Catch::Matchers::Equals("50000") || Contains("50000 100000"));
    CHECK(facts["pids"] == "50");
    std::string written;
    std::getline(std::ifstream(shared / "out" / "file"), written);
    CHECK(written == "from inside");
}

TEST_CASE("a container has the engine's own settings where nothing is said", "[e2e]") {
    LiveDaemon daemon;
    auto result = run(daemon,
                      {},
                      {"sh",
                       "-c",
                       "echo uid $(id -u); echo process_1 $(cat /proc/1/comm); "
                       "echo shm $(df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2); "
                       "echo root $(touch /x && echo writable)"});
    auto facts = facts_in(result.out);
    CHECK(facts["uid"] == "0");
    CHECK(facts["process_1"] == "sh");
    CHECK(facts["root"] == "writable");
    CHECK_THAT(facts["shm"], Catch::Matchers::Equals("65536") || Catch::Matchers::Equals("64000"));
}

TEST_CASE("a stop waits as long as the job says, and labels are the engine's to filter by",
          "[e2e]") {
    LiveDaemon daemon;
    std::string team = "schedulerd-test-" + std::to_string(::getpid());
    // As process 1 it ignores the stop signal, so that the grace passes.
    std::string id = daemon.ask({"add",
                                 image,
                                 "--now",
                                 "-q",
                                 "--stop-grace",
                                 "1s",
                                 "-l",
                                 "team=" + team,
                                 "--",
                                 "sleep",
                                 "1000"});
    std::vector<std::string> containers;
    REQUIRE(
        eventually([&] { return !(containers = containers_with_label("team=" + team)).empty(); }));
    REQUIRE(eventually([&] { return daemon.status(id) == "running"; }));
    auto container =
        nlohmann::json::parse(engine_call("GET", "/containers/" + containers[0] + "/json"));
    CHECK(container.at("Config").at("Labels").at("schedulerd.job") == id);
    CHECK(container.at("Config").at("StopTimeout") == 1);
    REQUIRE(eventually([&] {
        return container = nlohmann::json::parse(
                   engine_call("GET", "/containers/" + containers[0] + "/json")),
               container.at("State").at("Running") == true;
    }));
    auto begun = std::chrono::steady_clock::now();
    CHECK(daemon.schedctl({"kill", "--wait", id}).exit_code == 0);
    auto taken = std::chrono::steady_clock::now() - begun;
    CHECK(taken >= std::chrono::seconds(1));
    CHECK(taken < std::chrono::seconds(9));  // 10 s is the grace of a job that says nothing
    CHECK(daemon.finish_status(id) == "killed");
}

TEST_CASE("what only the engine can know fails the job in the engine's words", "[e2e]") {
    LiveDaemon daemon;
    auto missing = (daemon.dir().path() / "nosuch").string();
    CHECK_THAT(error_of(daemon, {"-v", missing + ":/data"}), Contains(missing));
    CHECK_FALSE(std::filesystem::exists(missing));  // it is not made
    CHECK_THAT(error_of(daemon, {"--network", "nosuchnet"}), Contains("nosuchnet"));
    CHECK_THAT(error_of(daemon, {"-u", "nosuchuser"}), Contains("nosuchuser"));
    CHECK_THAT(error_of(daemon, {"-w", "/etc/passwd"}), Contains("/etc/passwd"));
    CHECK_FALSE(error_of(daemon, {"--gpus", "device=GPU-of-nobody"}).empty());
}

}  // namespace scheduler::test
