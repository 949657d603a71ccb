#include "tests/bench/our_daemon.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <sstream>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"
#include "tests/support/eventually.hpp"

namespace scheduler::bench {
namespace {

constexpr auto patience = std::chrono::seconds(120);

std::string new_socket(Bench& bench, const char* name) {
    static int count = 0;
    return bench.socket_dir() / fmt::format("{}{}", name, ++count);
}

/// Where the daemon says READY=1. Source: sd_notify(3).
class ReadySocket {
  public:
    explicit ReadySocket(std::string path)
        : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
        if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
            throw std::runtime_error("can't bind " + path_);
    }
    [[nodiscard]] std::string variable() const { return "NOTIFY_SOCKET=" + path_; }
    /// False when nothing came within the time.
    [[nodiscard]] bool is_ready_within(std::chrono::milliseconds time) const {
        char text[4096];
        pollfd entry{fd_.get(), POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>(time.count())) <= 0) return false;
        auto size = ::recv(fd_.get(), text, sizeof(text), 0);
        return size > 0 && std::string_view(text, static_cast<std::size_t>(size)).find("READY=1") !=
                               std::string_view::npos;
    }

  private:
    std::string path_;
    UniqueFd fd_;
};

/// Of `… ready … listen=127.0.0.1:41234 …`.
std::uint16_t port_in(const std::string& log) {
    auto at = log.find("listen=127.0.0.1:");
    if (at == std::string::npos) throw std::runtime_error("schedulerd names no port:\n" + log);
    return static_cast<std::uint16_t>(std::stoi(log.substr(log.find(':', at) + 1)));
}

}  // namespace

FakeEngine::FakeEngine(Bench& bench)
    : socket_(new_socket(bench, "engine")),
      process_({bench.settings.bin / "tests/fake_engine", socket_, "/dev/null"},
               bench.new_dir("engine") / "log") {
    if (!test::eventually([&] { return process_.log().find("ready") != std::string::npos; }))
        throw std::runtime_error("the fake engine does not start:\n" + process_.log());
}

OurDaemon::OurDaemon(Bench& bench,
                     const std::filesystem::path& state_dir,
                     const std::string& engine,
                     std::vector<std::string> options)
    : socket_(new_socket(bench, "daemon")) {
    ReadySocket ready(new_socket(bench, "ready"));
    std::vector<std::string> words{
        bench.settings.bin / "schedulerd",
        "--listen",
        "127.0.0.1:0",
        "--socket",
        socket_,
        "--state-dir",
        state_dir,
        "--engine",
        engine.empty() ? "unix://" + (bench.socket_dir() / "none").native() : engine,
        "--history-age",
        "unlimited",
        "--history-count",
        "unlimited"};
    words.insert(words.end(), options.begin(), options.end());
    auto begin = std::chrono::steady_clock::now();
    process_ = std::make_unique<Process>(
        words, bench.new_dir("daemon") / "log", std::vector{ready.variable()});
    while (!ready.is_ready_within(std::chrono::milliseconds(100)))
        if (!process_->is_running() || std::chrono::steady_clock::now() > begin + patience)
            throw std::runtime_error("schedulerd is not ready:\n" + process_->log());
    ready_ms_ =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    port_ = port_in(process_->log());
}

void OurDaemon::stop() {
    process_->stop(SIGTERM);
}

}  // namespace scheduler::bench
