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

/// For people, in the largest unit with one digit after the point: `3.2 MiB`, `17 bytes`.
std::string bytes_in_words(std::int64_t bytes);

}  // namespace scheduler
