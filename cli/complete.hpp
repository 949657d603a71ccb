#pragma once
/// Answers the shells: what may stand at the end of a line that is being typed. The shims in
/// completions/ call `schedctl __complete WORD…` and show what it prints.

#include <span>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace scheduler {

/// `words` are the line's words after `schedctl`; the last one is being typed and may be empty.
/// One candidate a line, `value<TAB>description`; the single line `:files` asks the shell for file
/// names. Only candidates that begin with the last word. Silent, and quick, when no daemon answers
/// on `socket_paths`.
std::string complete(const std::vector<std::string>& words,
                     std::span<const CommandRow> commands,
                     std::vector<std::string> socket_paths);

}  // namespace scheduler
