#include "tests/support/live_daemon.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace scheduler::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);)
        parts.push_back(part);
    return parts;
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline) {
    auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        if (condition()) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(20ms);
    }
}

LiveDaemon::LiveDaemon(std::vector<std::string> options, bool wait_until_ready)
    : options_(std::move(options)) {
    start();
    if (!wait_until_ready) return;
    if (!eventually([this] { return log().find(" ready ") != std::string::npos; }))
        throw std::runtime_error("schedulerd did not become ready:\n" + log());
}

LiveDaemon::~LiveDaemon() {
    if (pid_ > 0) (void)stop(SIGKILL);
    // What still runs belongs to no daemon any more.
    for (const std::string& line : split(log(), '\n')) {
        std::smatch found;
        if (!std::regex_search(line, found, std::regex("job=([0-9a-f]{32})"))) continue;
        for (const std::string& id : containers_with_label("schedulerd.job=" + found[1].str()))
            (void)engine_call("DELETE", "/containers/" + id + "?force=1&v=1");
    }
}

void LiveDaemon::start() {
    std::string log_path = dir_.path() / "log";
    std::vector<std::string> words{SCHEDULERD_PATH,
                                   "--state-dir",
                                   state_dir(),
                                   "--socket",
                                   socket_path(),
                                   "--listen",
                                   "127.0.0.1:0"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    int log_file = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)::dup2(log_file, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

void LiveDaemon::send_signal(int signal) const {
    (void)::kill(pid_, signal);
}

int LiveDaemon::stop(int signal) {
    send_signal(signal);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

testing::ProgramResult LiveDaemon::schedctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {SCHEDCTL_PATH, "--socket", socket_path()});
    return testing::run_program(words);
}

std::string LiveDaemon::ask(std::vector<std::string> words) const {
    auto result = schedctl(std::move(words));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    if (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
    return result.out;
}

std::string LiveDaemon::column(const std::string& id, int column) const {
    auto result = schedctl({"ls", "-a", "--plain"});
    for (const std::string& line : split(result.out, '\n')) {
        auto cells = split(line, '\t');
        if (cells.size() > static_cast<std::size_t>(column) && (cells[0] == id || cells[1] == id))
            return cells[static_cast<std::size_t>(column)];
    }
    return "";
}

std::string LiveDaemon::log() const {
    std::ifstream file(dir_.path() / "log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string LiveDaemon::http_address() const {
    std::string text = log();
    std::smatch found;
    std::string port;
    for (auto begin = text.cbegin();
         std::regex_search(begin, text.cend(), found, std::regex("listen=([0-9.]+:[0-9]+)"));
         begin = found.suffix().first)
        port = found[1].str();
    return "http://" + port;
}

std::string engine_call(const std::string& method, const std::string& path) {
    const char* host = std::getenv("DOCKER_HOST");
    std::string address = host != nullptr ? host : "unix:///var/run/docker.sock";
    std::vector<std::string> words{"curl", "-sS", "-m", "60", "-X", method};
    const std::string unix_prefix = "unix://";
    if (address.rfind(unix_prefix, 0) == 0) {
        words.insert(words.end(),
                     {"--unix-socket", address.substr(unix_prefix.size()), "http://d" + path});
    } else {
        words.push_back("http://" + address.substr(std::string("tcp://").size()) + path);
    }
    return testing::run_program(words).out;
}

std::vector<std::string> containers_with_label(const std::string& label) {
    std::string answer = engine_call(
        "GET", "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22" + label + "%22%5D%7D");
    std::vector<std::string> ids;
    std::regex id("\"Id\":\"([0-9a-f]{64})\"");
    for (std::sregex_iterator found(answer.begin(), answer.end(), id), end; found != end; ++found)
        ids.push_back((*found)[1].str());
    return ids;
}

}  // namespace scheduler::test
