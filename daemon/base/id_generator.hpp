#pragma once
/// IdGenerator makes the ids of jobs: UUIDv7 with a 12-bit counter within a millisecond (RFC 9562
/// section 6.2, method 1), each one behind the one before, even when the clock goes back or the
/// daemon restarts. Lives on one thread, the store writer's. Does not own the clock.

#include <cstdint>
#include <optional>

#include "common/ids.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/base/random.hpp"

namespace scheduler {

class IdGenerator {
  public:
    /// `last`: the newest id that was ever given out.
    IdGenerator(const Clock& clock, RandomSource random, std::optional<JobId> last);

    JobId next();

  private:
    static constexpr std::uint16_t counter_max = 0x0fff;

    const Clock& clock_;
    RandomSource random_;
    std::uint64_t unix_ms_ = 0;  ///< of the last id
    std::uint16_t counter_ = counter_max;
};

}  // namespace scheduler
