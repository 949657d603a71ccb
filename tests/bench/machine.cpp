#include "tests/bench/machine.hpp"

#include <fstream>
#include <thread>

#include <sys/utsname.h>

#include <fmt/format.h>

#include "tests/bench/peers.hpp"

namespace scheduler::bench {
namespace {

/// The value of a `name : value` line.
std::string value_in(const char* file, const std::string& name) {
    std::ifstream text(file);
    for (std::string line; std::getline(text, line);)
        if (line.starts_with(name)) {
            auto colon = line.find(':');
            return line.substr(line.find_first_not_of(" \t", colon + 1));
        }
    return "unknown";
}

/// `ext4 on /dev/sda1`: of the longest mount point above the directory.
std::string file_system_of(const std::filesystem::path& dir) {
    std::string path = std::filesystem::canonical(dir).native() + '/';
    std::ifstream mounts("/proc/self/mounts");
    std::string device, point, type, rest, found = "unknown";
    std::size_t longest = 0;
    while (mounts >> device >> point >> type && std::getline(mounts, rest)) {
        std::string prefix = point == "/" ? point : point + '/';
        if (!path.starts_with(prefix) || prefix.size() < longest) continue;
        longest = prefix.size();
        found = type + " on " + device;
    }
    return found;
}

}  // namespace

double load_average() {
    std::ifstream file("/proc/loadavg");
    double load = 0;
    file >> load;
    return load;
}

nlohmann::json describe_machine(const std::filesystem::path& data) {
    utsname system{};
    (void)::uname(&system);
    constexpr double measured_seconds = 1;
    return {{"cores", std::thread::hardware_concurrency()},
            {"cpu", value_in("/proc/cpuinfo", "model name")},
            {"memory", value_in("/proc/meminfo", "MemTotal")},
            {"kernel", system.release},
            {"file_system", file_system_of(data)},
            {"load_average", load_average()},
            {"append_and_fdatasync_ms", 1000 / disk_syncs_per_second(data, measured_seconds)}};
}

std::string one_line(const nlohmann::json& machine) {
    return fmt::format("{} cores, {}, Linux {}, {}, fdatasync {:.3f} ms, load {:g}",
                       machine["cores"].get<int>(),
                       machine["cpu"].get<std::string>(),
                       machine["kernel"].get<std::string>(),
                       machine["file_system"].get<std::string>(),
                       machine["append_and_fdatasync_ms"].get<double>(),
                       machine["load_average"].get<double>());
}

}  // namespace scheduler::bench
