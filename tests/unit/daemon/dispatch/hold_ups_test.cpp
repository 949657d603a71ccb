/// What kept due jobs waiting, and until when.

#include "daemon/dispatch/hold_ups.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

using namespace std::chrono_literals;

/// `reason until`, in seconds.
std::vector<std::string> words(const HoldUps& hold_ups, TimePoint now) {
    std::vector<std::string> all;
    for (const Hindrance& known : hold_ups.known(now))
        all.push_back(known.reason + " " + std::to_string(known.until.time_since_epoch() / 1s));
    return all;
}

const TimePoint zero{};

}  // namespace

TEST_CASE("each limit is remembered until it last left no room", "[dispatch]") {
    HoldUps hold_ups;
    hold_ups.daemon_started(zero + 1s);
    hold_ups.note_limits(false, false, 8, 4, zero + 2s);
    CHECK(words(hold_ups, zero + 2s) == std::vector<std::string>{"schedulerd was not running 1"});
    hold_ups.note_limits(true, true, 8, 4, zero + 3s);
    CHECK(hold_ups.starts_taken() == 4);
    hold_ups.note_limits(false, true, 8, 4, zero + 4s);
    hold_ups.note_limits(false, false, 8, 4, zero + 5s);
    CHECK(hold_ups.starts_taken() == 0);
    hold_ups.note_limits(false, false, 8, 4, zero + 6s);
    CHECK(words(hold_ups, zero + 6s) ==
          std::vector<std::string>{
              "schedulerd was not running 1",
              "all 8 slots were taken 4",
              "as many containers as --max-starting allows (4) were being started 5"});
}

TEST_CASE("what lasts until the claim lasts until now, and is forgotten after it", "[dispatch]") {
    HoldUps hold_ups;
    auto last = [&] { return words(hold_ups, zero + 9s).back(); };
    hold_ups.note_pause(true);
    CHECK(last() == "paused 9");
    hold_ups.note_pause(false);
    hold_ups.note_write(ErrorCode::disk_full);
    CHECK(last() == "the disk was full 9");
    hold_ups.note_write(ErrorCode::busy);
    CHECK(last() == "the store could not write 9");
    hold_ups.note_write(std::nullopt);
    CHECK(last() == "schedulerd was not running 0");
}

}  // namespace scheduler
