#pragma once
/// Randomness as it is handed in, so that tests and the simulation choose it.

#include <cstdint>
#include <functional>

namespace scheduler {

/// 64 random bits a call.
using RandomSource = std::function<std::uint64_t()>;

/// The kernel's. Any thread. Source: getrandom(2).
RandomSource system_random();

}  // namespace scheduler
