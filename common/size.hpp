#pragma once
/// Sizes in bytes as users write them: a whole number and a unit, `512B`, `64KiB`, `10MiB`, `1GiB`,
/// and `k`, `m`, `g` as docker reads them (powers of 1024). Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

/// Errors: bad_field with the value and the right form, also for more than 2^63 − 1 bytes.
Result<std::uint64_t> parse_size(std::string_view text);

/// The inverse, in the largest unit that keeps it whole: `10MiB`, `1500B`.
std::string size_to_string(std::uint64_t bytes);

/// A size in request fields (`memory`, `shm_size`), written as parse_size reads it.
struct Size {
    std::uint64_t bytes = 0;
    static constexpr std::string_view example = "512MiB";
    static Result<Size> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const { return size_to_string(bytes); }
    bool operator==(const Size&) const = default;
};

/// For people, in the largest unit with one digit after the point: `3.2 MiB`, `17 bytes`.
std::string bytes_in_words(std::int64_t bytes);

}  // namespace scheduler
