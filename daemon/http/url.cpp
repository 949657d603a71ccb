#include "daemon/http/url.hpp"

#include <fmt/format.h>

namespace scheduler {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

Failure<Error> bad_text(std::string_view text, std::string_view reason) {
    return fail(ErrorCode::bad_request, fmt::format("\"{}\" {}", text.substr(0, 64), reason));
}

/// Moves what stands before `separator`, or all, out of `text`.
std::string_view take_until(std::string_view& text, char separator) {
    auto end = text.find(separator);
    auto taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

Result<std::vector<std::string>> parse_segments(std::string_view path) {
    std::vector<std::string> segments;
    if (path == "/") return segments;
    path.remove_prefix(1);
    bool ends_with_slash = !path.empty() && path.back() == '/';
    while (!path.empty()) {
        auto segment = percent_decode(take_until(path, '/'), PlusSign::kept);
        if (!segment) return fail(segment.error());
        segments.push_back(std::move(*segment));
    }
    if (ends_with_slash) segments.emplace_back();
    return segments;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, PlusSign plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus == PlusSign::is_blank) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return bad_text(
                    text, "has a % without two hex digits after it; write a percent sign as %25");
            c = static_cast<char>(high << 4 | low);
            i += 2;
        }
        if (c == '\0') return bad_text(text, "holds a NUL character");
        decoded.push_back(c);
    }
    if (!is_valid_utf8(decoded)) return bad_text(text, "is not valid UTF-8");
    return decoded;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            encoded += '%';
            encoded += digits[byte >> 4U];
            encoded += digits[byte & 15U];
        }
    }
    return encoded;
}

Result<FormFields> parse_urlencoded(std::string_view text) {
    FormFields fields;
    while (!text.empty()) {
        auto pair = take_until(text, '&');
        if (pair.empty()) continue;
        auto name = percent_decode(take_until(pair, '='), PlusSign::is_blank);
        if (!name) return fail(name.error());
        auto value = percent_decode(pair, PlusSign::is_blank);
        if (!value) return fail(value.error());
        fields.emplace_back(std::move(*name), std::move(*value));
    }
    return fields;
}

std::string encode_query(const FormFields& fields) {
    std::string query;
    for (const auto& [name, value] : fields) {
        if (!query.empty()) query += '&';
        query += percent_encode(name) + '=' + percent_encode(value);
    }
    return query;
}

Result<Target> parse_target(std::string_view text) {
    Target target;
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, scheme.size()) == scheme) {
        text.remove_prefix(scheme.size());
        auto end = text.find_first_of("/?");
        target.authority = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
    auto path = take_until(text, '?');
    target.path = path.empty() && !target.authority.empty() ? "/" : path;
    if (target.path == "*") return target;  // OPTIONS * (RFC 9112 section 3.2.4)
    if (target.path.empty() || target.path.front() != '/')
        return bad_text(target.path, "is no request target; it begins with /");
    auto segments = parse_segments(target.path);
    if (!segments) return fail(segments.error());
    target.segments = std::move(*segments);
    auto query = parse_urlencoded(text);
    if (!query) return fail(query.error());
    target.query = std::move(*query);
    return target;
}

}  // namespace scheduler
