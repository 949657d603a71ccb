/// schedulerd: exit codes. 0 done, 1 can't start or failed, 2 usage.

#include <csignal>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "daemon/base/clock.hpp"
#include "daemon/daemon.hpp"
#include "daemon/restore.hpp"

namespace {

int complain(const scheduler::Error& error, int exit_code) {
    fmt::print(stderr, "schedulerd: {}\n", error.message);
    return exit_code;
}

int serve(int argc, char** argv) {
    using namespace scheduler;
    auto surroundings = Surroundings::of_process();
    auto parsed = parse_options(argc, argv, surroundings);
    if (!parsed) return complain(parsed.error(), 2);
    if (parsed->action == ParsedOptions::Action::print) {
        fmt::print("{}", parsed->text);
        return 0;
    }
    if (parsed->action == ParsedOptions::Action::check_database) {
        auto checked = Daemon::check_database(parsed->options);
        if (!checked) return complain(checked.error(), 1);
        fmt::print("{}\n", *checked);
        return 0;
    }
    if (parsed->action == ParsedOptions::Action::restore) {
        auto restored = restore(parsed->options, SystemClock());
        if (!restored) return complain(restored.error(), 1);
        fmt::print("{}\n", *restored);
        return 0;
    }
    auto reload = [argc, argv, surroundings]() -> Result<Options> {
        auto again = parse_options(argc, argv, surroundings);
        if (!again) return fail(again.error());
        return std::move(again->options);
    };
    auto daemon = Daemon::open(std::move(parsed->options), reload);
    if (!daemon) return complain(daemon.error(), 1);
    return (*daemon)->run();
}

}  // namespace

int main(int argc, char** argv) {
    (void)std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of that write
    try {
        return serve(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "schedulerd: {}\n", error.what());
        return 1;
    }
}
