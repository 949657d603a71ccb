#pragma once
/// The tokens that HTTP callers may present: a file of `NAME TOKEN` lines. Blank lines and lines
/// that begin with `#` are skipped. Read at start and on SIGHUP. Any thread; no state.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

struct Token {
    static constexpr std::size_t name_length_max = 64;
    static constexpr std::size_t length_min = 16;
    static constexpr std::size_t length_max = 512;

    std::string name;    ///< what `submitted_by` records, as `token:NAME`
    std::string secret;  ///< never printed
    bool operator==(const Token&) const = default;
};

constexpr std::size_t token_file_bytes_max = 1024 * 1024;

/// Errors: bad_field, naming `origin` and the line, never the token.
Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view origin);

/// Reads a regular file that only its owner can write and nobody outside its owner and group can
/// read. Errors: bad_field with the remedy.
Result<std::vector<Token>> read_token_file(const std::filesystem::path& path);

}  // namespace scheduler
