#include "cli/console.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/output/json.hpp"
#include "cli/output/text.hpp"

namespace scheduler {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set by us
    return value != nullptr ? value : "";
}

std::size_t terminal_width(int fd) {
    std::size_t columns = 0;
    auto text = variable("COLUMNS");
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
    if (error == std::errc() && end == text.data() + text.size() && columns > 0) return columns;
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return Terminal{}.width;
}

}  // namespace

Terminal detect_terminal(int fd) {
    Terminal terminal;
    terminal.is_terminal = ::isatty(fd) == 1 && variable("TERM") != "dumb";
    terminal.colour = terminal.is_terminal && variable("NO_COLOR").empty();
    if (terminal.is_terminal) terminal.width = terminal_width(fd);
    return terminal;
}

void Console::write_all(int fd, std::string_view text, int& error) {
    if (error != 0) return;
    while (!text.empty()) {
        auto written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            // Whoever shares this pipe or terminal with us made it non-blocking.
            pollfd waiting{fd, POLLOUT, 0};
            (void)::poll(&waiting, 1, -1);
        } else if (errno != EINTR) {
            error = errno;
            return;
        }
    }
}

void Console::print_to_stderr(std::string_view text) {
    int ignored = 0;  // there is no place left to complain
    write_all(err_fd_, text, ignored);
}

void Console::note(std::string_view sentence) {
    if (!json_) print_to_stderr(fmt::format("schedctl: {}\n", sentence));
}

void Console::report(const CallError& error) {
    if (json_) {
        print_to_stderr((error.json.empty() ? json_error(error.error) : error.json) + '\n');
        return;
    }
    // The daemon's words may quote a stranger's; ours are escaped where they quote.
    const std::string& message = error.error.message;
    print_to_stderr(
        fmt::format("schedctl: {}\n", error.json.empty() ? message : daemon_words(message)));
}

}  // namespace scheduler
