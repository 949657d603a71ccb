#pragma once
/// Console: the two streams that schedctl writes to, and what they are. It remembers the first
/// write that failed; main turns that into the exit code. One thread.

#include <string>
#include <string_view>

#include "cli/client.hpp"

namespace scheduler {

struct Terminal {
    bool is_terminal = false;  ///< and one that can do more than print lines (TERM is not dumb)
    bool colour = false;
    std::size_t width = 80;  ///< columns
};

/// What `fd` is, by isatty(3), $TERM, $NO_COLOR, $COLUMNS and TIOCGWINSZ.
Terminal detect_terminal(int fd);

class Console {
  public:
    Console(int out_fd, int err_fd)
        : out_fd_(out_fd), err_fd_(err_fd), out_terminal_(detect_terminal(out_fd)) {}

    /// Errors are written as JSON from now on.
    void use_json() { json_ = true; }
    [[nodiscard]] bool json() const { return json_; }
    [[nodiscard]] const Terminal& out_terminal() const { return out_terminal_; }

    /// As it is, to standard output; to standard error.
    void print(std::string_view text) { write_all(out_fd_, text, out_error_); }
    void print_to_stderr(std::string_view text);

    /// `schedctl: sentence` on standard error; nothing under `--json`, whose reader wants objects.
    void note(std::string_view sentence);
    /// An error, as a sentence or as one JSON object, on standard error.
    void report(const CallError& error);
    void report(const Error& error) { report(CallError{CallError::Kind::refused, error, ""}); }

    /// False once nobody reads standard output any more, or it can't be written: time to stop.
    [[nodiscard]] bool is_ok() const { return out_error_ == 0; }
    /// errno of the first failed write to standard output; 0 if there was none.
    [[nodiscard]] int out_error() const { return out_error_; }

  private:
    static void write_all(int fd, std::string_view text, int& error);

    int out_fd_;
    int err_fd_;
    Terminal out_terminal_;
    bool json_ = false;
    int out_error_ = 0;
};

}  // namespace scheduler
