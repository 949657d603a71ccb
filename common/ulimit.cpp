#include "common/ulimit.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace scheduler {
namespace {

/// Those of docker: go-units, ulimit.go.
constexpr std::array<std::string_view, 15> names{"core",
                                                 "cpu",
                                                 "data",
                                                 "fsize",
                                                 "locks",
                                                 "memlock",
                                                 "msgqueue",
                                                 "nice",
                                                 "nofile",
                                                 "nproc",
                                                 "rss",
                                                 "rtprio",
                                                 "rttime",
                                                 "sigpending",
                                                 "stack"};

Failure<Error> bad_limit(std::string_view text, std::string_view reason) {
    return fail(ErrorCode::bad_field,
                fmt::format("limit \"{}\" {}; write NAME=SOFT or NAME=SOFT:HARD in whole numbers, "
                            "-1 for unlimited, such as nofile=1024:2048",
                            text.substr(0, 64),
                            reason));
}

std::optional<std::int64_t> parse_value(std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (value < Ulimit::unlimited) return std::nullopt;
    return value;
}

/// As if unlimited were the largest number.
bool is_above(std::int64_t left, std::int64_t right) {
    if (right == Ulimit::unlimited) return false;
    return left == Ulimit::unlimited || left > right;
}

}  // namespace

Result<Ulimit> Ulimit::parse(std::string_view text) {
    auto equals = text.find('=');
    if (equals == std::string_view::npos) return bad_limit(text, "has no =");
    Ulimit limit;
    limit.name = text.substr(0, equals);
    if (std::find(names.begin(), names.end(), limit.name) == names.end())
        return bad_limit(text,
                         fmt::format("names none of the limits ({})", fmt::join(names, ", ")));
    std::string_view values = text.substr(equals + 1);
    auto colon = values.find(':');
    auto soft = parse_value(values.substr(0, colon));
    auto hard = colon == std::string_view::npos ? soft : parse_value(values.substr(colon + 1));
    if (!soft || !hard) return bad_limit(text, "does not give whole numbers");
    if (is_above(*soft, *hard)) return bad_limit(text, "has a soft limit above the hard one");
    limit.soft = *soft;
    limit.hard = *hard;
    return limit;
}

std::string Ulimit::to_string() const {
    if (soft == hard) return fmt::format("{}={}", name, soft);
    return fmt::format("{}={}:{}", name, soft, hard);
}

}  // namespace scheduler
