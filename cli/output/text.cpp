#include "cli/output/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/json.hpp"

namespace scheduler {
namespace {

struct Range {
    char32_t first, last;
};

/// Unicode 15: combining marks and invisible characters that people meet.
constexpr std::array zero_width{Range{0x0300, 0x036f},
                                Range{0x0483, 0x0489},
                                Range{0x0591, 0x05bd},
                                Range{0x064b, 0x065f},
                                Range{0x200b, 0x200d},
                                Range{0x20d0, 0x20ff},
                                Range{0xfe00, 0xfe0f},
                                Range{0xfe20, 0xfe2f}};
/// East Asian Wide and Fullwidth (UAX #11), and emoji.
constexpr std::array double_width{Range{0x1100, 0x115f},
                                  Range{0x2e80, 0x303e},
                                  Range{0x3041, 0xa4cf},
                                  Range{0xac00, 0xd7a3},
                                  Range{0xf900, 0xfaff},
                                  Range{0xfe30, 0xfe6f},
                                  Range{0xff00, 0xff60},
                                  Range{0xffe0, 0xffe6},
                                  Range{0x1f300, 0x1f64f},
                                  Range{0x1f680, 0x1f6ff},
                                  Range{0x1f900, 0x1f9ff},
                                  Range{0x20000, 0x3fffd}};
/// They reorder what stands beside them (UAX #9), or break lines.
constexpr std::array deceiving{
    Range{0x200e, 0x200f}, Range{0x2028, 0x202e}, Range{0x2066, 0x2069}, Range{0xfeff, 0xfeff}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t point) {
    return std::any_of(ranges.begin(), ranges.end(), [point](const Range& range) {
        return range.first <= point && point <= range.last;
    });
}

struct Character {
    char32_t point = 0;
    std::size_t bytes = 0;  ///< 0: the first byte begins no valid UTF-8
};

Character first_character(std::string_view text) {
    auto lead = static_cast<unsigned char>(text.front());
    std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (bytes > text.size() || !is_valid_utf8(text.substr(0, bytes))) return {lead, 0};
    char32_t point = bytes == 1 ? lead : lead & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i)
        point = point << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
    return {point, bytes};
}

std::string escape(std::string_view text, bool double_backslash) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto [point, bytes] = first_character(text);
        if (bytes == 0)
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(point));
        else if (point == '\n')
            out += "\\n";
        else if (point == '\t')
            out += "\\t";
        else if (point == '\r')
            out += "\\r";
        else if (point == '\\' && double_backslash)
            out += "\\\\";
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(point));
        else if (is_in(deceiving, point))
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
        else
            out += text.substr(0, bytes);
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return out;
}

std::size_t width_of(char32_t point) {
    if (is_in(zero_width, point)) return 0;
    return is_in(double_width, point) ? 2 : 1;
}

/// The longest beginning of at most `width` columns.
std::string_view head(std::string_view text, std::size_t width) {
    std::size_t used = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        auto [point, bytes] = first_character(text.substr(end));
        if (used + width_of(point) > width) break;
        used += width_of(point);
        end += std::max<std::size_t>(bytes, 1);
    }
    return text.substr(0, end);
}

}  // namespace

std::string escape_text(std::string_view text) {
    return escape(text, false);
}

std::string escape_field(std::string_view text) {
    return escape(text, true);
}

std::string daemon_words(std::string_view message) {
    constexpr std::size_t id_digits = 32;
    constexpr std::string_view separators[] = {": ", ", "};
    if (message.find("is ambiguous") == std::string_view::npos) return escape_text(message);
    auto begins_job = [&](std::size_t at) {
        return message.find_first_not_of("0123456789abcdef", at) == at + id_digits &&
               message.substr(at + id_digits, 2) == " (";
    };
    std::string out;
    std::size_t line_begin = 0;
    for (std::size_t at = 2; at < message.size(); ++at) {
        auto before = message.substr(at - 2, 2);
        if ((before != separators[0] && before != separators[1]) || !begins_job(at)) continue;
        auto end = before == separators[0] ? at - 1 : at - 2;
        out += escape_text(message.substr(line_begin, end - line_begin)) + "\n  ";
        line_begin = at;
    }
    return out + escape_text(message.substr(line_begin));
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        auto [point, bytes] = first_character(text);
        width += width_of(point);
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return width;
}

std::string fit_text(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return "";
    return std::string(head(text, width - 1)) + "…";
}

std::string fit_middle(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return "";
    std::string_view begin = head(text, (width - 1) / 3);
    std::string_view end = text;
    std::size_t room = width - 1 - display_width(begin);
    for (std::size_t left = display_width(end); left > room;) {
        auto [point, bytes] = first_character(end);
        left -= width_of(point);
        end.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    // A mark that combines with what was cut away would combine with the … instead.
    while (!end.empty() && width_of(first_character(end).point) == 0)
        end.remove_prefix(std::max<std::size_t>(first_character(end).bytes, 1));
    return std::string(begin) + "…" + std::string(end);
}

std::string quote_shell(std::string_view word) {
    auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
    };
    if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
    std::string quoted = "'";
    for (char c : word) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + "'";
}

}  // namespace scheduler
