#include "tests/support/daemon_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/support/eventually.hpp"

extern char** environ;

namespace scheduler::test {
namespace {

std::string daemon_path() {
    const char* other = std::getenv("SCHEDULERD_PATH");  // NOLINT(concurrency-mt-unsafe)
    return other != nullptr ? other : SCHEDULERD_PATH;
}

/// The port of `… ready listen=127.0.0.1:41234 …`; 0 while the line is not whole.
std::uint16_t port_in(const std::string& log) {
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
        auto listen = line.find("listen=");
        if (line.find(" ready ") == std::string::npos || listen == std::string::npos) continue;
        auto address = line.substr(listen, line.find(' ', listen) - listen);
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    return 0;
}

}  // namespace

DaemonProcess::DaemonProcess(std::vector<std::string> options)
    : DaemonProcess(NotStarted{}, std::move(options)) {
    options_.insert(options_.begin(), {"--engine", "unix://" + (dir_ / "no-engine").string()});
    start();
}

DaemonProcess::DaemonProcess(NotStarted, std::vector<std::string> options)
    : options_(std::move(options)) {}

DaemonProcess::~DaemonProcess() {
    if (pid_ > 0) (void)stop(SIGKILL);
}

void DaemonProcess::start() {
    std::vector<std::string> words{daemon_path(),
                                   "--listen",
                                   "127.0.0.1:0",
                                   "--socket",
                                   socket_path(),
                                   "--state-dir",
                                   state_dir()};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);

    const std::string log_path = dir_ / "log";
    const std::size_t log_before = log().size();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(
        &actions, STDERR_FILENO, log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    int error = ::posix_spawn(&pid_, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("can't run " + words.front());

    bool is_over = !eventually([&] {
        port_ = port_in(log().substr(log_before));
        return port_ != 0 || !is_running();
    });
    if (is_over || port_ == 0) throw std::runtime_error("schedulerd is not ready:\n" + log());
}

std::string DaemonProcess::log() const {
    std::ifstream file(dir_ / "log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool DaemonProcess::is_running() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void DaemonProcess::send_signal(int signal) const {
    (void)::kill(pid_, signal);
}

int DaemonProcess::stop(int signal) {
    send_signal(signal);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

DaemonProcess& shared_daemon() {
    static DaemonProcess daemon;
    return daemon;
}

}  // namespace scheduler::test
