#include "tests/bench/process.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

extern char** environ;

namespace scheduler::bench {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (const std::string& text : texts)
        list.push_back(const_cast<char*>(text.data()));
    return list;
}

pid_t spawn(const std::vector<std::string>& words,
            const std::string& log,
            const std::vector<std::string>& environment) {
    auto arguments = pointers(words);
    arguments.push_back(nullptr);
    auto variables = pointers(environment);
    for (char** entry = environ; *entry != nullptr; ++entry)
        variables.push_back(*entry);
    variables.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = -1;
    int error = ::posix_spawnp(
        &pid, words.front().c_str(), &actions, nullptr, arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        throw std::runtime_error(
            fmt::format("can't run {}: {}", words.front(), std::strerror(error)));
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void check_exit(const std::vector<std::string>& words, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    std::string line;
    for (const std::string& word : words)
        line += word + ' ';
    throw std::runtime_error(fmt::format(
        "{}: it ended with {}", line, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
}

}  // namespace

Process::Process(const std::vector<std::string>& words,
                 const std::filesystem::path& log,
                 const std::vector<std::string>& environment)
    : pid_(spawn(words, log.native(), environment)), log_(log) {}

Process::~Process() {
    if (pid_ > 0) stop(SIGKILL);
}

bool Process::is_running() const {
    siginfo_t info{};
    return pid_ > 0 &&
           ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

std::string Process::log() const {
    std::ifstream file(log_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void Process::stop(int signal) {
    if (pid_ <= 0) return;
    (void)::kill(pid_, signal);
    (void)wait_for(pid_);
    pid_ = -1;
}

void run_quietly(const std::vector<std::string>& words) {
    check_exit(words, wait_for(spawn(words, "/dev/null", {})));
}

double time_of_run(const std::vector<std::string>& words,
                   const std::vector<std::string>& environment) {
    auto begin = std::chrono::steady_clock::now();
    int status = wait_for(spawn(words, "/dev/null", environment));
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    check_exit(words, status);
    return took.count();
}

bool is_installed(const std::string& program) {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
    std::istringstream folders((path != nullptr ? std::string(path) : "") + ":/usr/sbin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + '/' + program).c_str(), X_OK) == 0) return true;
    return false;
}

double status_mib(pid_t pid, const std::string& field) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(field + ':')) return std::stod(line.substr(field.size() + 1)) / 1024;
    throw std::runtime_error(fmt::format("/proc/{}/status has no {}; has it ended?", pid, field));
}

Activity activity(pid_t pid) {
    constexpr const char* name = "voluntary_ctxt_switches:";
    Activity sum;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
        std::ifstream status(task.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with(name)) sum.wakeups += std::stoull(line.substr(std::strlen(name)));
    }
    std::ifstream stat(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(stat, text);
    std::istringstream words(text.substr(text.rfind(')') + 2));
    std::vector<std::string> fields;
    for (std::string word; words >> word;)
        fields.push_back(word);
    // utime and stime are the fields 14 and 15 of proc(5); the first one here is field 3.
    sum.cpu_seconds = (std::stod(fields.at(11)) + std::stod(fields.at(12))) /
                      static_cast<double>(::sysconf(_SC_CLK_TCK));
    return sum;
}

}  // namespace scheduler::bench
