#include "common/size.hpp"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace scheduler {
namespace {

struct Unit {
    std::string_view name;
    std::string_view short_name;
    std::uint64_t bytes;
};
constexpr std::array units{Unit{"B", "b", 1},
                           Unit{"KiB", "k", 1ULL << 10U},
                           Unit{"MiB", "m", 1ULL << 20U},
                           Unit{"GiB", "g", 1ULL << 30U}};
constexpr std::uint64_t bytes_max = std::numeric_limits<std::int64_t>::max();

Failure<Error> bad_size(std::string_view text, std::string_view reason) {
    return fail(ErrorCode::bad_field,
                fmt::format("size \"{}\" {}; write a whole number and a unit (B, KiB, MiB or GiB), "
                            "such as 10MiB",
                            text.substr(0, 64),
                            reason));
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    if (text.empty()) return bad_size(text, "is empty");
    std::uint64_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc::invalid_argument)
        return bad_size(text, "does not begin with a whole number");
    auto suffix = to_lower(text.substr(static_cast<std::size_t>(end - text.data())));
    if (suffix.empty()) return bad_size(text, "has no unit");
    for (const Unit& unit : units) {
        if (suffix != to_lower(unit.name) && suffix != unit.short_name) continue;
        if (error == std::errc::result_out_of_range || count > bytes_max / unit.bytes)
            return bad_size(text, "is too large");
        return count * unit.bytes;
    }
    return bad_size(text, "is not a number and one known unit");
}

Result<Size> Size::parse(std::string_view text) {
    auto bytes = parse_size(text);
    if (!bytes) return fail(bytes.error());
    return Size{*bytes};
}

std::string bytes_in_words(std::int64_t bytes) {
    for (auto unit = units.rbegin(); unit != units.rend() - 1; ++unit)
        if (bytes >= static_cast<std::int64_t>(unit->bytes))
            return fmt::format("{:.1f} {}",
                               static_cast<double>(bytes) / static_cast<double>(unit->bytes),
                               unit->name);
    return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
}

std::string size_to_string(std::uint64_t bytes) {
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit)
        if (bytes != 0 && bytes % unit->bytes == 0)
            return fmt::format("{}{}", bytes / unit->bytes, unit->name);
    return fmt::format("{}B", bytes);
}

}  // namespace scheduler
