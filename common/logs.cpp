#include "common/requests/logs.hpp"

#include <array>

#include "common/words.hpp"

namespace scheduler {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string_view to_string(LogStream stream) {
    return stream == LogStream::out ? "stdout" : "stderr";
}

Result<LogStream> parse_log_stream(std::string_view word) {
    return parse_word(word, "stream", log_streams);
}

Result<Base64Bytes> Base64Bytes::parse(std::string_view text) {
    auto bad = [] { return fail(ErrorCode::bad_field, "data is not base64"); };
    if (text.size() % 4 != 0) return bad();
    Base64Bytes result;
    result.bytes.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            char c = text[i + j];
            auto value = alphabet.find(c);
            if (c == '=' && i + 4 == text.size() && j >= 2) {
                ++padding;
                value = 0;
            } else if (value == std::string_view::npos || padding > 0) {
                return bad();
            }
            group = group << 6U | static_cast<std::uint32_t>(value);
        }
        for (std::size_t j = 0; j < 3 - padding; ++j)
            result.bytes.push_back(static_cast<char>(group >> (16U - 8U * j) & 0xffU));
    }
    return result;
}

std::string Base64Bytes::to_string() const {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8U | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            text.push_back(j <= count ? alphabet[group >> (18U - 6U * j) & 63U] : '=');
    }
    return text;
}

}  // namespace scheduler
