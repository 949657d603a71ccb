#pragma once
/// Program runs a command and collects what it writes, so that a test sees what a user would: the
/// two streams apart through pipes, or together as a terminal of a given width shows them.

#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "common/unique_fd.hpp"

namespace scheduler::testing {

struct ProgramOptions {
    /// Set over what the test program has itself; an empty value unsets.
    std::map<std::string, std::string> environment;
    /// Columns of a terminal; 0: pipes.
    unsigned short terminal_columns = 0;
};

struct ProgramResult {
    int exit_code = -1;  ///< 128 + the signal that ended it
    std::string out;     ///< with a terminal: everything
    std::string err;
};

class Program {
  public:
    explicit Program(const std::vector<std::string>& words, const ProgramOptions& options = {});
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void send_signal(int number);
    /// Waits for its end, and kills it after a minute. Called once.
    ProgramResult finish();

  private:
    void collect(int fd, std::string& into);

    pid_t pid_ = -1;
    UniqueFd out_;
    UniqueFd err_;
    ProgramResult result_;
    std::vector<std::thread> readers_;
};

ProgramResult run_program(const std::vector<std::string>& words,
                          const ProgramOptions& options = {});

}  // namespace scheduler::testing
