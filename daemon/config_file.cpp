#include "daemon/config_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trim(std::string_view text) {
    auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// CLI11 2.1.2 takes `[::1]:8888` for a list without an end, and would read on to the end of the
/// file for it: a value that only begins like a list is put in quotes.
std::string quote_half_list(std::string_view line) {
    auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::string(line);
    auto value = trim(line.substr(equals + 1));
    auto comment = value.find(" #");
    if (comment != std::string_view::npos) value = trim(value.substr(0, comment));
    if (value.empty() || value.front() != '[' || value.back() == ']') return std::string(line);
    return fmt::format("{}= {}", line.substr(0, equals), quote_config_value(value));
}

/// One line by CLI11's reader, so that quotes and lists are what its users know.
std::vector<CLI::ConfigItem> read_line(std::string_view line) {
    std::istringstream stream(quote_half_list(line));
    return CLI::ConfigBase().from_config(stream);
}

}  // namespace

Result<std::vector<ConfigEntry>> parse_config(std::string_view text, std::string_view origin) {
    std::vector<ConfigEntry> entries;
    for (int number = 1; !text.empty(); ++number) {
        auto whole = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(whole.size() + 1, text.size()));
        auto line = trim(whole);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        auto bad_line = [&](std::string_view reason) {
            return fail(ErrorCode::bad_field,
                        fmt::format("{}, line {}: {}", origin, number, reason));
        };
        if (line.front() == '[')
            return bad_line(fmt::format(
                "{} begins a section, and there are none; write key = value", line.substr(0, 64)));
        if (line.find('=') == std::string_view::npos)
            return bad_line(fmt::format("\"{}\" is not key = value", line.substr(0, 64)));
        if (auto hash = line.find('#');
            hash != std::string_view::npos && blanks.find(line[hash - 1]) == blanks.npos)
            return bad_line("a # begins a comment, so a value can't hold one");
        try {
            auto items = read_line(line);
            if (items.empty() || items.front().inputs.empty()) return bad_line("there is no value");
            for (auto& item : items)
                entries.push_back({number, item.fullname(), std::move(item.inputs)});
        } catch (const CLI::Error& error) {
            return bad_line(error.what());
        }
    }
    return entries;
}

Result<std::vector<ConfigEntry>> read_config_file(const std::filesystem::path& path) {
    errno = 0;
    std::ifstream file(path);
    std::ostringstream text;
    // An empty file sets failbit on the left side, so only the right side's state is looked at.
    if (file.is_open()) text << file.rdbuf();
    if (!file.is_open() || file.bad() || std::filesystem::is_directory(path))
        return fail(ErrorCode::bad_field,
                    fmt::format("config file {} can't be read: {}",
                                path.string(),
                                errno != 0 ? std::strerror(errno) : "it is no file"));
    return parse_config(text.str(), path.string());
}

std::string quote_config_value(std::string_view value) {
    return fmt::format("\"{}\"", value);
}

}  // namespace scheduler
