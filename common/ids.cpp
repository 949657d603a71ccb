#include "common/ids.hpp"

#include <algorithm>

namespace scheduler {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool is_ascii_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::optional<IdBytes> parse_id_bytes(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    IdBytes bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return bytes;
}

std::string to_hex(const IdBytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(32);
    for (std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4U]);
        text.push_back(digits[byte & 15U]);
    }
    return text;
}

IdBytes make_uuid_v7(std::uint64_t unix_ms, std::uint16_t counter, std::uint64_t random) {
    IdBytes bytes{};
    for (std::size_t i = 0; i < 6; ++i)
        bytes[i] = static_cast<std::uint8_t>(unix_ms >> (40U - 8U * i) & 0xffU);
    bytes[6] = static_cast<std::uint8_t>(0x70U | (counter >> 8U & 0x0fU));
    bytes[7] = static_cast<std::uint8_t>(counter & 0xffU);
    for (std::size_t i = 0; i < 8; ++i)
        bytes[8 + i] = static_cast<std::uint8_t>(random >> (56U - 8U * i) & 0xffU);
    bytes[8] = static_cast<std::uint8_t>(0x80U | (bytes[8] & 0x3fU));
    return bytes;
}

Result<JobRef> JobRef::parse(std::string_view text) {
    if (text.empty() || text.size() > length_max ||
        !std::all_of(text.begin(), text.end(), is_ascii_alnum))
        return fail(ErrorCode::bad_field,
                    "a job is named by its number, its id, a prefix of the id, or `last`, not \"" +
                        std::string(text.substr(0, length_max)) + '"');
    return JobRef{std::string(text)};
}

}  // namespace scheduler
