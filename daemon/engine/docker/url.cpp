#include "daemon/engine/docker/url.hpp"

namespace scheduler {
namespace {

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text, std::string_view kept) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (char c : text) {
        if (is_unreserved(c) || kept.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += hex[byte >> 4U];
        encoded += hex[byte & 15U];
    }
    return encoded;
}

std::string url_query(std::initializer_list<std::pair<std::string_view, std::string>> parameters) {
    std::string query;
    for (const auto& [name, value] : parameters) {
        query += query.empty() ? '?' : '&';
        query += name;
        query += '=';
        query += percent_encode(value);
    }
    return query;
}

}  // namespace scheduler
