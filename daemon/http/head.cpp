#include "daemon/http/head.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace scheduler {
namespace {

Failure<Error> bad_request(std::string message) {
    return fail(ErrorCode::bad_request, std::move(message));
}

Failure<Error> target_too_long(const HttpLimits& limits) {
    return fail(
        ErrorCode::uri_too_long,
        fmt::format(
            "the request's target is longer than {} bytes; send the fields as a form or JSON",
            limits.target_bytes));
}

Result<Done> parse_request_line(std::string_view line,
                                const HttpLimits& limits,
                                RequestHead& head) {
    auto first = line.find(' ');
    auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return bad_request("the request line is not METHOD TARGET HTTP/1.1");
    auto method = line.substr(0, first);
    auto target = line.substr(first + 1, last - first - 1);
    auto version = line.substr(last + 1);
    if (!is_token(method)) return bad_request("the request line does not begin with a method");
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return bad_request(
            fmt::format("\"{}\" is not spoken here; use HTTP/1.1", version.substr(0, 16)));
    if (target.size() > limits.target_bytes) return target_too_long(limits);
    // Bytes above ASCII are let through: they are checked as UTF-8 when the target is decoded.
    bool is_clean = std::none_of(target.begin(), target.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 127;
    });
    if (target.empty() || !is_clean)
        return bad_request("the request's target is empty, or holds a blank");
    head.method = method;
    head.target = target;
    head.is_http_1_0 = version == "HTTP/1.0";
    return Done{};
}

Result<Done> read_framing(RequestHead& head, const HttpLimits& limits) {
    std::size_t lengths = head.count("content-length");
    bool is_chunked = head.count("transfer-encoding") > 0;
    if (lengths > 1) return bad_request("the request has two Content-Length headers");
    if (is_chunked && (lengths > 0 || head.is_http_1_0))
        return bad_request(
            "the request has a Transfer-Encoding together with a Content-Length or HTTP/1.0");
    if (is_chunked)
        return fail(ErrorCode::length_required,
                    "a body without a Content-Length is not taken; send its length instead of "
                    "Transfer-Encoding");
    if (lengths == 0) return Done{};
    const std::string& text = *head.find("content-length");
    bool is_number = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c >= '0' && c <= '9';
    });
    if (!is_number)
        return bad_request(
            fmt::format("Content-Length \"{}\" is not a whole number", text.substr(0, 64)));
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), head.content_length);
    if (error != std::errc() || head.content_length > limits.body_bytes)
        return fail(ErrorCode::too_large,
                    fmt::format("the body is larger than {} bytes", limits.body_bytes));
    return Done{};
}

Result<Done> read_expectation(RequestHead& head) {
    const std::string* expectation = head.find("expect");
    if (expectation == nullptr) return Done{};
    if (!equals_ignoring_case(*expectation, "100-continue"))
        return bad_request(
            fmt::format("the header Expect: {} is not supported", expectation->substr(0, 64)));
    head.expects_continue = !head.is_http_1_0;
    return Done{};
}

Result<Done> check_host(const RequestHead& head) {
    std::size_t hosts = head.count("host");
    if (hosts > 1) return bad_request("the request has two Host headers");
    if (hosts == 0 && !head.is_http_1_0) return bad_request("the request has no Host header");
    return Done{};
}

bool wants_close(const RequestHead& head) {
    for (const Header& header : head.headers) {
        if (header.name != "connection") continue;
        std::string_view rest = header.value;
        while (!rest.empty()) {
            auto comma = rest.find(',');
            if (equals_ignoring_case(trim(rest.substr(0, comma)), "close")) return true;
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
    }
    return false;
}

}  // namespace

const std::string* RequestHead::find(std::string_view name) const {
    auto found = std::find_if(
        headers.begin(), headers.end(), [&](const Header& header) { return header.name == name; });
    return found == headers.end() ? nullptr : &found->value;
}

std::size_t RequestHead::count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(
        headers.begin(), headers.end(), [&](const Header& header) { return header.name == name; }));
}

Result<Header> parse_header(std::string_view line) {
    auto colon = line.find(':');
    auto name = line.substr(0, colon);
    // A blank at the front (a folded line) or before the colon is refused, as RFC 9112 section 5
    // asks.
    if (colon == std::string_view::npos || !is_token(name))
        return bad_request(
            fmt::format("the header line \"{}\" is not NAME: VALUE", line.substr(0, 64)));
    auto value = trim(line.substr(colon + 1));
    bool is_clean = std::none_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127;
    });
    if (!is_clean)
        return bad_request(
            fmt::format("the header {} holds a control character", name.substr(0, 64)));
    return Header{to_lower(name), std::string(value)};
}

Result<std::optional<std::size_t>> HeadScanner::scan(std::string_view buffer,
                                                     const HttpLimits& limits) {
    if (!buffer.empty() && !is_token_character(buffer.front()))
        return bad_request("these bytes are not HTTP; is the client speaking TLS? Use http://");
    for (auto end = buffer.find('\n', scanned_); end != std::string_view::npos;
         end = buffer.find('\n', end + 1)) {
        if (buffer[end - 1] != '\r')
            return bad_request("a line of the request's head does not end with CR LF");
        if (end >= limits.head_bytes) break;
        if (!first_line_end_) first_line_end_ = end;
        if (end >= 3 && buffer.substr(end - 3, 4) == "\r\n\r\n") return std::optional(end + 1);
    }
    scanned_ = buffer.size();
    if (buffer.size() < limits.head_bytes) return std::optional<std::size_t>();
    if (!first_line_end_) return target_too_long(limits);
    return fail(ErrorCode::head_too_large,
                fmt::format("the request's head is larger than {} bytes", limits.head_bytes));
}

Result<RequestHead> parse_head(std::string_view text, const HttpLimits& limits) {
    RequestHead head;
    auto line = parse_request_line(take_line(text), limits, head);
    if (!line) return fail(line.error());
    while (!text.empty() && text != "\r\n") {
        auto header = parse_header(take_line(text));
        if (!header) return fail(header.error());
        head.headers.push_back(std::move(*header));
    }
    for (auto check : {read_framing(head, limits), read_expectation(head), check_host(head)})
        if (!check) return fail(check.error());
    if (const std::string* coding = head.find("content-encoding");
        coding && !equals_ignoring_case(*coding, "identity"))
        return fail(ErrorCode::bad_media_type,
                    fmt::format("Content-Encoding {} is not taken; send the body as it is",
                                coding->substr(0, 64)));
    head.keep_alive = !head.is_http_1_0 && !wants_close(head);
    return head;
}

std::string_view trim(std::string_view text) {
    auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_line(std::string_view& text) {
    auto end = text.find("\r\n");
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return line;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return left.size() == right.size() && to_lower(left) == to_lower(right);
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_token_character(char c) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
}

}  // namespace scheduler
