#include "tests/bench/peers.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"
#include "tests/support/eventually.hpp"

namespace scheduler::bench {
namespace {

void require_installed(const std::string& program, const std::string& package) {
    if (!is_installed(program))
        throw Absent(fmt::format("{} is not installed; apt-get install {}", program, package));
}

/// A port that was free a moment ago.
std::uint16_t free_port() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no port is free");
    return ntohs(address.sin_port);
}

bool takes_connections(const Endpoint& endpoint) {
    if (endpoint.path.empty()) {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0;
    }
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    endpoint.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

void wait_for(const Process& process, const Endpoint& endpoint, const std::string& name) {
    if (!test::eventually([&] { return takes_connections(endpoint) || !process.is_running(); }) ||
        !process.is_running())
        throw std::runtime_error(fmt::format("{} does not start:\n{}", name, process.log()));
}

std::vector<std::string> redis_words(const std::string& socket, const std::filesystem::path& dir) {
    require_installed("redis-server", "redis-server");
    return {"redis-server",
            "--port",
            "0",
            "--unixsocket",
            socket,
            "--dir",
            dir,
            "--appendonly",
            "yes",
            "--save",
            "",
            "--appendfsync",
            "always",
            "--daemonize",
            "no"};
}

std::vector<std::string> beanstalkd_words(std::uint16_t port, const std::filesystem::path& dir) {
    require_installed("beanstalkd", "beanstalkd");
    return {"beanstalkd", "-l", "127.0.0.1", "-p", std::to_string(port), "-b", dir, "-f0"};
}

std::vector<std::string> tornado_words(std::uint16_t port,
                                       const std::string& id,
                                       const std::string& json,
                                       const std::filesystem::path& dir) {
    try {
        run_quietly({"/usr/bin/python3", "-c", "import tornado"});
    } catch (const std::runtime_error&) {
        throw Absent("Tornado is not installed; apt-get install python3-tornado");
    }
    std::ofstream(dir / "job.json") << json;
    return {"/usr/bin/python3",  // the one that has the package
            PROJECT_SOURCE_DIR "/tests/bench/peers/tornado_job.py",
            std::to_string(port),
            id,
            dir / "job.json"};
}

}  // namespace

double disk_syncs_per_second(const std::filesystem::path& dir, double seconds) {
    UniqueFd file(::open(
        (dir / "appends").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600));
    const std::string record(400, 'x');
    auto begin = std::chrono::steady_clock::now();
    std::chrono::duration<double> passed{};
    int count = 0;
    for (; passed.count() < seconds; ++count) {
        if (::write(file.get(), record.data(), record.size()) !=
                static_cast<ssize_t>(record.size()) ||
            ::fdatasync(file.get()) != 0)
            throw std::runtime_error(
                fmt::format("can't write in {}: {}", dir.native(), std::strerror(errno)));
        passed = std::chrono::steady_clock::now() - begin;
    }
    return count / passed.count();
}

Beanstalkd::Beanstalkd(Bench& bench)
    : port_(free_port()),
      process_(beanstalkd_words(port_, bench.new_dir("beanstalkd")),
               bench.new_dir("beanstalkd") / "log") {
    wait_for(process_, endpoint(), "beanstalkd");
}

Redis::Redis(Bench& bench)
    : socket_(bench.socket_dir() / "redis"),
      process_(redis_words(socket_, bench.new_dir("redis")), bench.new_dir("redis") / "log") {
    wait_for(process_, endpoint(), "redis-server");
}

Tornado::Tornado(Bench& bench, const std::string& id, const std::string& json)
    : port_(free_port()),
      process_(tornado_words(port_, id, json, bench.new_dir("tornado")),
               bench.new_dir("tornado") / "log") {
    wait_for(process_, endpoint(), "the Tornado handler");
}

}  // namespace scheduler::bench
