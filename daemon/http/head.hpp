#pragma once
/// The head of one HTTP/1.x request, read strictly: what two parsers could read in two ways is
/// refused (RFC 9112 sections 2.2, 5.1, 6.1, 6.3). The bounds of the message are decided here,
/// before any library sees it. Pure; any thread.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "daemon/http/options.hpp"

namespace scheduler {

struct Header {
    std::string name;  ///< of requests: in lower case
    std::string value;
};

struct RequestHead {
    std::string method;
    std::string target;
    bool is_http_1_0 = false;
    std::vector<Header> headers;
    std::size_t content_length = 0;  ///< 0 also when there was none
    bool expects_continue = false;
    bool keep_alive = true;

    /// The value of the first header with this lower-case name, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
};

/// Finds where a head ends while it arrives. Each byte is looked at once.
class HeadScanner {
  public:
    /// The head's size with its empty line, or nothing yet. `buffer` is the same text, longer.
    /// Errors: bad_request (a line feed without carriage return; no method at the front),
    /// uri_too_long, head_too_large.
    Result<std::optional<std::size_t>> scan(std::string_view buffer, const HttpLimits& limits);

  private:
    std::size_t scanned_ = 0;
    std::optional<std::size_t> first_line_end_;
};

/// `text` is a whole head with its empty line. Errors: bad_request, uri_too_long, length_required,
/// too_large, bad_media_type (Content-Encoding). After any of them the connection can't go on.
Result<RequestHead> parse_head(std::string_view text, const HttpLimits& limits);

/// One line `NAME: VALUE` without its CRLF. Errors: bad_request.
Result<Header> parse_header(std::string_view line);

/// Moves one line out of `text`, without its CRLF.
std::string_view take_line(std::string_view& text);
/// Without the blanks and tabs around it.
std::string_view trim(std::string_view text);
/// Compares ASCII text without regard to case.
bool equals_ignoring_case(std::string_view left, std::string_view right);
std::string to_lower(std::string_view text);
/// True for a character that a method or a header's name may have (RFC 9110 section 5.6.2).
bool is_token_character(char c);
bool is_token(std::string_view text);

}  // namespace scheduler
