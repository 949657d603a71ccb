#include "daemon/token_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

constexpr std::string_view blanks = " \t\r";

/// The next word of `line`, which is advanced past it; empty at the end.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    auto word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/// What a bearer token may hold besides letters and digits: RFC 6750 section 2.1.
bool is_secret_character(char c) {
    return is_name_character(c) || c == '~' || c == '+' || c == '/' || c == '=';
}

/// Why the line's words are no token; nothing when they are one.
std::optional<std::string> objection(std::string_view name,
                                     std::string_view secret,
                                     std::string_view rest) {
    if (secret.empty() || !rest.empty()) return "is not NAME TOKEN, two words with a blank between";
    if (name.size() > Token::name_length_max ||
        !std::all_of(name.begin(), name.end(), is_name_character))
        return fmt::format(
            "has a name that is not 1 to {} letters, digits, dots, dashes and underscores",
            Token::name_length_max);
    if (!std::all_of(secret.begin(), secret.end(), is_secret_character))
        return "has a token with characters besides letters, digits and -._~+/=";
    if (secret.size() < Token::length_min || secret.size() > Token::length_max)
        return fmt::format(
            "has a token of {} characters, not {} to {}; make one with: openssl rand -hex 24",
            secret.size(),
            Token::length_min,
            Token::length_max);
    return std::nullopt;
}

Failure<Error> bad_file(const std::filesystem::path& path, std::string_view reason) {
    return fail(ErrorCode::bad_field, fmt::format("token file {} {}", path.string(), reason));
}

/// What is wrong with the file's kind, owner, mode or size; nothing when it may be used.
std::optional<std::string> objection(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return "is not a regular file";
    if ((status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
        return fmt::format(
            "can be read by everyone or written by others (mode {:04o}); use: chmod 0640",
            status.st_mode & 07777U);
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fmt::format("belongs to uid {}, not to root or the daemon's user", status.st_uid);
    if (static_cast<std::size_t>(status.st_size) > token_file_bytes_max)
        return fmt::format("has {} bytes, {} at most", status.st_size, token_file_bytes_max);
    return std::nullopt;
}

Result<std::string> read_all(int fd, const std::filesystem::path& path) {
    std::string text(token_file_bytes_max + 1, '\0');
    std::size_t length = 0;
    while (length < text.size()) {
        auto count = ::read(fd, text.data() + length, text.size() - length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            return bad_file(path, fmt::format("can't be read: {}", std::strerror(errno)));
        if (count == 0) break;
        length += static_cast<std::size_t>(count);
    }
    text.resize(length);
    return text;
}

}  // namespace

Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view origin) {
    std::vector<Token> tokens;
    for (std::size_t number = 1; !text.empty(); ++number) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        auto name = take_word(line);
        if (name.empty() || name.front() == '#') continue;
        auto secret = take_word(line);
        auto bad_line = [&](std::string_view reason) {
            return fail(ErrorCode::bad_field,
                        fmt::format("token file {}, line {} {}", origin, number, reason));
        };
        if (auto reason = objection(name, secret, take_word(line))) return bad_line(*reason);
        for (const Token& other : tokens) {
            if (other.name == name) return bad_line(fmt::format("repeats the name {}", name));
            if (other.secret == secret)
                return bad_line(fmt::format("repeats the token of {}", other.name));
        }
        tokens.push_back({std::string(name), std::string(secret)});
    }
    if (tokens.empty())
        return fail(ErrorCode::bad_field,
                    fmt::format("token file {} holds no NAME TOKEN line", origin));
    return tokens;
}

Result<std::vector<Token>> read_token_file(const std::filesystem::path& path) {
    // O_NONBLOCK: a FIFO must not stop the daemon before it is seen to be no file.
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file.is_open())
        return bad_file(path, fmt::format("can't be opened: {}", std::strerror(errno)));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        return bad_file(path, fmt::format("can't be looked at: {}", std::strerror(errno)));
    if (auto reason = objection(status)) return bad_file(path, *reason);
    auto text = read_all(file.get(), path);
    if (!text) return fail(text.error());
    return parse_tokens(*text, path.string());
}

}  // namespace scheduler
