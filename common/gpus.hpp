#pragma once
/// Which GPUs a job gets, as docker's `--gpus` takes it: `all`, a count, or `device=ID,ID`. Pure;
/// any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

struct Gpus {
    static constexpr std::int64_t all = -1;
    static constexpr std::int64_t count_max = 1024;
    static constexpr std::size_t devices_max = 64;
    static constexpr std::string_view example = "all";

    std::int64_t count = 0;            ///< `all`, or how many; 0: those of `devices`
    std::vector<std::string> devices;  ///< by index or UUID

    /// Errors: bad_field, with the value and the right form.
    static Result<Gpus> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Gpus&) const = default;
};

}  // namespace scheduler
