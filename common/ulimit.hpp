#pragma once
/// A limit of setrlimit(2) as docker writes it: `nofile=1024`, `nofile=1024:2048`. Pure; any
/// thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

struct Ulimit {
    static constexpr std::int64_t unlimited = -1;
    static constexpr std::string_view example = "nofile=1024:2048";

    std::string name;
    std::int64_t soft = 0;
    std::int64_t hard = 0;

    /// Without HARD it is SOFT. Errors: bad_field, with the value and the right form, also for a
    /// name that docker does not know and for a soft limit above the hard one.
    static Result<Ulimit> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Ulimit&) const = default;
};

}  // namespace scheduler
