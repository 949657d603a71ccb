#pragma once
/// The config file: `key = value` lines, `#` comments, lists in brackets or by repeating the key.
/// The keys are the long flags without their dashes; what they may hold is checked with the flags.
/// Read at start and on SIGHUP. Any thread; no state.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

struct ConfigEntry {
    int line = 0;
    std::string key;
    std::vector<std::string> values;
};

/// Errors: bad_field, naming `origin` and the line.
Result<std::vector<ConfigEntry>> parse_config(std::string_view text, std::string_view origin);

/// Errors: bad_field when the file can't be read, and those of parse_config.
Result<std::vector<ConfigEntry>> read_config_file(const std::filesystem::path& path);

/// A value as parse_config reads it back, in quotes.
std::string quote_config_value(std::string_view value);

}  // namespace scheduler
