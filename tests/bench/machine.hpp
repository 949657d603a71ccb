#pragma once
/// What a result is worth nothing without: the machine that it was measured on.

#include <filesystem>

#include <nlohmann/json.hpp>

namespace scheduler::bench {

/// Cores, processor, kernel, memory, the file system that `data` is on, and how long an append and
/// its fdatasync take there.
nlohmann::json describe_machine(const std::filesystem::path& data);
/// Of the last minute: what else runs.
double load_average();
/// One line of it for the terminal.
std::string one_line(const nlohmann::json& machine);

}  // namespace scheduler::bench
