#include "daemon/dispatch/hold_ups.hpp"

#include <fmt/format.h>

namespace scheduler {

void HoldUps::note_limits(
    bool no_slot, bool no_start, int max_running, int max_starting, TimePoint now) {
    slots_.note(no_slot, max_running, now);
    starts_.note(no_start, max_starting, now);
    starts_taken_ = no_start ? max_starting : 0;
}

void HoldUps::Limit::note(bool reached, int of, TimePoint now) {
    if (reached)
        value = of;
    else if (is_reached)
        until = now;
    is_reached = reached;
}

std::vector<Hindrance> HoldUps::known(TimePoint now) const {
    std::vector<Hindrance> known{{"schedulerd was not running", started_at_}};
    if (slots_.value > 0)
        known.push_back({slots_.value == 1 ? "the only slot was taken"
                                           : fmt::format("all {} slots were taken", slots_.value),
                         slots_.lasted_until(now)});
    if (starts_.value > 0)
        known.push_back({fmt::format("as many containers as --max-starting allows ({}) were being "
                                     "started",
                                     starts_.value),
                         starts_.lasted_until(now)});
    if (is_paused_) known.push_back({"paused", now});
    if (write_failed_)
        known.push_back({*write_failed_ == ErrorCode::disk_full ? "the disk was full"
                                                                : "the store could not write",
                         now});
    return known;
}

}  // namespace scheduler
