#include "common/list_place.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr int sections = 3;

Failure<Error> no_place(std::string_view text) {
    return fail(ErrorCode::bad_field,
                fmt::format("after \"{}\" is no place in a list; give a job's id, or what the page "
                            "before said is next",
                            text.substr(0, 96)));
}

/// Three numbers, each after a dot.
std::optional<ListPosition> parse_position(std::string_view text) {
    std::array<std::int64_t, 3> numbers{};
    for (std::int64_t& number : numbers) {
        if (text.empty() || text.front() != '.') return std::nullopt;
        text.remove_prefix(1);
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    if (!text.empty() || numbers[0] < 0 || numbers[0] >= sections) return std::nullopt;
    return ListPosition{static_cast<int>(numbers[0]), numbers[1], numbers[2]};
}

}  // namespace

Result<ListPlace> ListPlace::parse(std::string_view text) {
    auto dot = text.find('.');
    auto job = JobId::parse(text.substr(0, dot));
    if (!job) return no_place(text);
    if (dot == std::string_view::npos) return ListPlace{*job, std::nullopt};
    auto position = parse_position(text.substr(dot));
    if (!position) return no_place(text);
    return ListPlace{*job, *position};
}

std::string ListPlace::to_string() const {
    if (!position) return job.to_string();
    return fmt::format(
        "{}.{}.{}.{}", job.to_string(), position->section, position->key, position->number);
}

}  // namespace scheduler
