/// schedctl: the command line of schedulerd. See schedctl(1).

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <signal.h>
#include <unistd.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"

int main(int argc, char** argv) {
    // A reader that went away is an error of write(2), which ends the work quietly.
    (void)::signal(SIGPIPE, SIG_IGN);
    try {
        scheduler::Console console(STDOUT_FILENO, STDERR_FILENO);
        std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
        return scheduler::run_schedctl(arguments, scheduler::all_commands(), console);
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "schedctl: internal error: %s\n", error.what());
        return scheduler::exit_refused;
    }
}
