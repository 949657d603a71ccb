#include "daemon/engine/docker/docker_time.hpp"

namespace scheduler {
namespace {

constexpr TimePoint first_time{};
constexpr TimePoint end_of_time = std::chrono::sys_days(std::chrono::year(2262) / 1 / 1);

/// The part of the fraction that milliseconds cut off: digits 4 to 9. `text` is valid RFC 3339.
std::chrono::nanoseconds below_milliseconds(std::string_view text) {
    constexpr int digits_max = 9;
    constexpr int digits_cut = 3;
    auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::chrono::nanoseconds(0);
    std::string_view rest = text.substr(dot + 1);
    std::int64_t nanos = 0;
    bool is_digit = true;
    for (std::size_t i = 0; i < digits_max; ++i) {
        is_digit = is_digit && i < rest.size() && rest[i] >= '0' && rest[i] <= '9';
        if (i >= digits_cut) nanos = nanos * 10 + (is_digit ? rest[i] - '0' : 0);
    }
    return std::chrono::nanoseconds(nanos);
}

}  // namespace

std::optional<TimePoint> parse_engine_time(std::string_view text) {
    auto at = parse_rfc3339(text);
    if (!at || *at < first_time || *at >= end_of_time) return std::nullopt;
    return *at;
}

std::optional<NanoPoint> parse_engine_nanos(std::string_view text) {
    auto at = parse_engine_time(text);
    if (!at) return std::nullopt;
    return NanoPoint(*at) + below_milliseconds(text);
}

}  // namespace scheduler
