#include "tests/support/program.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace scheduler::testing {
namespace {

constexpr auto patience = std::chrono::minutes(1);

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& changes) {
    std::vector<std::string> merged;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string text = *entry;
        if (changes.count(text.substr(0, text.find('='))) == 0) merged.push_back(text);
    }
    for (const auto& [name, value] : changes)
        if (!value.empty()) merged.push_back(name + '=' + value);
    return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts)
        list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

struct Ends {
    UniqueFd reader;
    UniqueFd writer;
};

Ends make_pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Ends make_terminal(unsigned short columns) {
    UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 128> name{};
    if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name.data(), name.size()) != 0)
        throw std::runtime_error(std::strerror(errno));
    UniqueFd slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 24;
    (void)::ioctl(slave.get(), TIOCSWINSZ, &size);
    return {std::move(master), std::move(slave)};
}

}  // namespace

Program::Program(const std::vector<std::string>& words, const ProgramOptions& options) {
    Ends out = options.terminal_columns > 0 ? make_terminal(options.terminal_columns) : make_pipe();
    Ends err;
    if (options.terminal_columns == 0) err = make_pipe();
    int err_writer = err.writer.is_open() ? err.writer.get() : out.writer.get();

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.writer.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, err_writer, STDERR_FILENO);
    auto arguments = words;
    auto environment = merged_environment(options.environment);
    int error = ::posix_spawnp(&pid_,
                               arguments.front().c_str(),
                               &actions,
                               nullptr,
                               pointers(arguments).data(),
                               pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error(words.front() + ": " + std::strerror(error));
    out_ = std::move(out.reader);
    err_ = std::move(err.reader);
    readers_.emplace_back([this] { collect(out_.get(), result_.out); });
    if (err_.is_open()) readers_.emplace_back([this] { collect(err_.get(), result_.err); });
}

Program::~Program() {
    if (pid_ > 0) {
        send_signal(SIGKILL);
        (void)finish();
    }
}

void Program::collect(int fd, std::string& into) {
    std::array<char, 4096> buffer{};
    for (;;) {
        auto count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;  // a terminal without a program is EIO
        into.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

void Program::send_signal(int number) {
    (void)::kill(pid_, number);
}

ProgramResult Program::finish() {
    auto deadline = std::chrono::steady_clock::now() + patience;
    int status = 0;
    for (;;) {
        pid_t ended = ::waitpid(pid_, &status, WNOHANG);
        if (ended == pid_) break;
        if (std::chrono::steady_clock::now() > deadline) send_signal(SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    pid_ = -1;
    for (std::thread& reader : readers_)
        reader.join();
    readers_.clear();
    result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result_;
}

ProgramResult run_program(const std::vector<std::string>& words, const ProgramOptions& options) {
    return Program(words, options).finish();
}

}  // namespace scheduler::testing
