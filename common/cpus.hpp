#pragma once
/// How many CPUs a job may use: a decimal number such as `1.5`, exact to a billionth. Pure; any
/// thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

struct Cpus {
    std::int64_t nano = 0;  ///< billionths of a CPU, as engines count them
    /// In JSON it is a number, and may be a string.
    static constexpr bool is_number = true;
    static constexpr std::string_view example = "1.5";

    /// Errors: bad_field, with the value and the right form, also for more than a million.
    static Result<Cpus> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Cpus&) const = default;
};

}  // namespace scheduler
