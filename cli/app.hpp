#pragma once
/// The frame around the subcommands: finds the one that was asked for, gives it its options, and
/// answers `--help` and `--version`. main.cpp only passes the process to it.

#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace scheduler {

/// Runs schedctl with these arguments (without the program's name). The exit code.
int run_schedctl(const std::vector<std::string>& arguments,
                 std::span<const CommandRow> commands,
                 Console& console);

}  // namespace scheduler
