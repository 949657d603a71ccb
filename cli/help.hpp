#pragma once
/// The texts of `--help`, at most 80 columns wide. Pure.

#include <span>
#include <string>
#include <string_view>

#include "cli/command.hpp"

namespace scheduler {

/// `schedctl --help`: the subcommands in their groups.
std::string general_help(std::span<const CommandRow> commands);

/// What the commands of a family have to do with.
std::string_view family_summary(std::string_view family);

/// `schedctl FAMILY --help`: its subcommands.
std::string family_help(std::string_view family, std::span<const CommandRow> commands);

/// `schedctl NAME --help`.
std::string command_help(const CommandRow& row, const OptionSet& options);

}  // namespace scheduler
