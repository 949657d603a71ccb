#include "tests/support/live_daemon.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <sstream>

#include <sys/mount.h>

#include <catch2/catch.hpp>

namespace scheduler::test {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);)
        parts.push_back(part);
    return parts;
}

}  // namespace

LiveDaemon::LiveDaemon(std::vector<std::string> options)
    : DaemonProcess(NotStarted{}, std::move(options)) {
    start();
}

LiveDaemon::LiveDaemon(SmallDisk disk) : DaemonProcess(NotStarted{}, {}) {
    std::filesystem::create_directory(state_dir());
    std::string options = "mode=0700,size=" + std::to_string(disk.mib) + "m";
    has_own_disk_ = ::mount("tmpfs", state_dir().c_str(), "tmpfs", 0, options.c_str()) == 0;
    start();
}

LiveDaemon::LiveDaemon(const Restored& restored) : DaemonProcess(NotStarted{}, {}) {
    std::vector<std::string> words{
        SCHEDULERD_PATH, "--restore", restored.file, "--state-dir", state_dir()};
    words.insert(words.end(), restored.options.begin(), restored.options.end());
    auto result = testing::run_program(words);
    INFO(result.out << result.err);
    REQUIRE(result.exit_code == 0);
    start();
}

LiveDaemon::~LiveDaemon() {
    if (pid() > 0) (void)stop(SIGKILL);
    if (has_own_disk_) (void)::umount2(state_dir().c_str(), MNT_DETACH);
    // What still runs belongs to no daemon any more.
    for (const std::string& line : split(log(), '\n')) {
        std::smatch found;
        if (!std::regex_search(line, found, std::regex("job=([0-9a-f]{32})"))) continue;
        for (const std::string& id : containers_with_label("schedulerd.job=" + found[1].str()))
            (void)engine_call("DELETE", "/containers/" + id + "?force=1&v=1");
    }
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

std::string LiveDaemon::http_address() const {
    return "http://127.0.0.1:" + std::to_string(port());
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
