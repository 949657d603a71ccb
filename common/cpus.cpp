#include "common/cpus.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr std::int64_t nano_per_cpu = 1'000'000'000;
constexpr std::size_t fraction_digits_max = 9;
constexpr std::size_t whole_digits_max = 6;

Failure<Error> bad_number(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_field,
        fmt::format(
            "number \"{}\" {}; write a decimal number such as 1.5", text.substr(0, 64), reason));
}

bool is_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t value_of(std::string_view digits) {
    std::int64_t value = 0;
    for (char c : digits)
        value = value * 10 + (c - '0');
    return value;
}

}  // namespace

Result<Cpus> Cpus::parse(std::string_view text) {
    auto point = std::min(text.find('.'), text.size());
    std::string_view whole = text.substr(0, point);
    std::string_view fraction = text.substr(std::min(point + 1, text.size()));
    bool has_bare_point = point < text.size() && fraction.empty();
    if (text.empty()) return bad_number(text, "is empty");
    if (has_bare_point || !is_digits(whole) || !is_digits(fraction))
        return bad_number(text, "is not a decimal number without sign or exponent");
    if (fraction.size() > fraction_digits_max)
        return bad_number(text, "has more than 9 digits after the point");
    whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
    if (whole.size() > whole_digits_max) return bad_number(text, "is too large");
    std::string nanos(fraction);
    nanos.resize(fraction_digits_max, '0');
    return Cpus{value_of(whole) * nano_per_cpu + value_of(nanos)};
}

std::string Cpus::to_string() const {
    std::string text = fmt::format("{}.{:09}", nano / nano_per_cpu, nano % nano_per_cpu);
    text.resize(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

}  // namespace scheduler
