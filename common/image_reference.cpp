#include "common/image_reference.hpp"

#include <algorithm>

namespace scheduler {
namespace {

bool is_lower_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_word(char c) {
    return is_lower_alnum(c) || is_upper(c) || c == '_';
}
bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

constexpr std::size_t tag_length_max = 128;
constexpr std::size_t name_length_max = 255;

/// alpha-numeric [separator alpha-numeric]*, where a separator is `.`, `_`, `__` or any number of
/// `-`.
bool is_path_component(std::string_view text) {
    if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_lower_alnum(text[i])) continue;
        std::size_t end = i;
        while (end < text.size() && text[end] == text[i])
            ++end;
        std::size_t run = end - i;
        bool ok = (text[i] == '.' && run == 1) || (text[i] == '_' && run <= 2) || text[i] == '-';
        if (!ok || !is_lower_alnum(text[end])) return false;
        i = end - 1;
    }
    return true;
}

/// A host, with an optional port: what stands before the first slash when it can't be a path.
bool is_domain(std::string_view text) {
    auto colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        auto port = text.substr(colon + 1);
        if (port.empty() ||
            !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return false;
        text = text.substr(0, colon);
    }
    if (text.empty()) return false;
    char previous = '.';
    for (char c : text) {
        bool letter = is_lower_alnum(c) || is_upper(c);
        if (!letter && (c != '.' || previous == '.') && (c != '-' || previous == '.')) return false;
        previous = c;
    }
    return previous != '.' && previous != '-';
}

bool looks_like_domain(std::string_view text) {
    return text == "localhost" || text.find_first_of(".:") != std::string_view::npos ||
           std::any_of(text.begin(), text.end(), is_upper);
}

bool is_tag(std::string_view text) {
    if (text.empty() || text.size() > tag_length_max || !is_word(text.front())) return false;
    return std::all_of(
        text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view text) {
    constexpr std::string_view algorithm = "sha256:";
    if (text.substr(0, algorithm.size()) != algorithm || text.size() != algorithm.size() + 64)
        return false;
    return std::all_of(text.begin() + algorithm.size(), text.end(), is_hex);
}

bool is_repository(std::string_view text) {
    if (text.empty() || text.size() > name_length_max) return false;
    auto slash = text.find('/');
    if (slash != std::string_view::npos && looks_like_domain(text.substr(0, slash))) {
        if (!is_domain(text.substr(0, slash))) return false;
        text.remove_prefix(slash + 1);
    }
    for (;;) {
        slash = text.find('/');
        if (!is_path_component(text.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        text.remove_prefix(slash + 1);
    }
}

struct Parts {
    std::string_view repository, tag, digest;
};

Parts split(std::string_view text) {
    Parts parts;
    if (auto at = text.find('@'); at != std::string_view::npos) {
        parts.digest = text.substr(at + 1);
        text = text.substr(0, at);
    }
    auto colon = text.rfind(':');
    auto slash = text.rfind('/');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
        parts.tag = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    parts.repository = text;
    return parts;
}

Failure<Error> invalid(std::string_view reason) {
    std::string message = "invalid reference format";
    if (!reason.empty()) message += ": " + std::string(reason);
    return fail(ErrorCode::bad_field, std::move(message));
}

}  // namespace

Result<std::string> parse_image_reference(std::string_view text) {
    Parts parts = split(text);
    bool has_at = text.find('@') != std::string_view::npos;
    bool has_tag = parts.repository.size() != text.substr(0, text.find('@')).size();
    if (!is_repository(parts.repository)) {
        std::string lower(parts.repository);
        std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
            return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
        });
        return invalid(is_repository(lower) ? "repository name must be lowercase" : "");
    }
    if (has_tag && !is_tag(parts.tag)) return invalid("");
    if (has_at && !is_digest(parts.digest)) return invalid("");
    if (!has_at && std::all_of(text.begin(), text.end(), is_hex) && text.size() == 64)
        return invalid("cannot specify 64-byte hexadecimal strings");
    return std::string(text) + (has_tag || has_at ? "" : ":latest");
}

std::string full_image_name(std::string_view text) {
    Parts parts = split(text);
    auto slash = parts.repository.find('/');
    std::string name;
    if (slash == std::string_view::npos)
        name = "docker.io/library/";
    else if (!looks_like_domain(parts.repository.substr(0, slash)))
        name = "docker.io/";
    name += text;
    if (parts.tag.empty() && parts.digest.empty()) name += ":latest";
    return name;
}

}  // namespace scheduler
