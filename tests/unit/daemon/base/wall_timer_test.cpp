#include "daemon/base/wall_timer.hpp"

#include <catch2/catch.hpp>

#include "daemon/base/clock.hpp"

using namespace scheduler;
using namespace std::chrono_literals;

namespace {

/// A loop with a timer that ends the loop's run when it rings.
struct RingingLoop {
    asio::io_context loop{1};
    SystemClock clock;
    int rings = 0;
    TimePoint rang_at{};
    TimerFdWallTimer timer{loop, [this] {
                               ++rings;
                               rang_at = clock.now();
                               loop.stop();
                           }};

    void run_for(std::chrono::milliseconds limit) {
        loop.restart();
        loop.run_for(limit);
    }
};

}  // namespace

TEST_CASE("the wall timer rings at its moment and not before", "[base]") {
    RingingLoop ringing;
    TimePoint when = ringing.clock.now() + 30ms;
    ringing.timer.set(when);
    ringing.run_for(30s);
    CHECK(ringing.rings == 1);
    CHECK(ringing.rang_at >= when);
}

TEST_CASE("the wall timer rings at once for a moment that has passed", "[base]") {
    RingingLoop ringing;
    auto when = GENERATE(TimePoint{}, TimePoint{-1h}, TimePoint{1ms});
    ringing.timer.set(when);
    ringing.run_for(30s);
    CHECK(ringing.rings == 1);
}

TEST_CASE("the wall timer rings once for each setting", "[base]") {
    RingingLoop ringing;
    ringing.timer.set(ringing.clock.now() - 1s);
    ringing.run_for(30s);
    REQUIRE(ringing.rings == 1);
    ringing.run_for(50ms);
    CHECK(ringing.rings == 1);
    ringing.timer.set(ringing.clock.now() - 1s);
    ringing.run_for(30s);
    CHECK(ringing.rings == 2);
}

TEST_CASE("a later setting of the wall timer replaces the one before", "[base]") {
    RingingLoop ringing;
    ringing.timer.set(ringing.clock.now() - 1s);
    auto later = GENERATE(std::optional<TimePoint>{},
                          std::optional<TimePoint>{TimePoint{duration_max}},
                          std::optional<TimePoint>{TimePoint::max()});
    ringing.timer.set(later);
    ringing.run_for(50ms);
    CHECK(ringing.rings == 0);
}

TEST_CASE("the wall timer may go while its ring is on the way", "[base]") {
    asio::io_context loop{1};
    {
        TimerFdWallTimer timer(loop, [] { FAIL("the timer is gone"); });
        timer.set(TimePoint{});
    }
    loop.run_for(30s);
}

TEST_CASE("the wall timer can be set from within its ring", "[base]") {
    asio::io_context loop{1};
    int rings = 0;
    std::optional<TimerFdWallTimer> timer;
    timer.emplace(loop, [&] {
        if (++rings < 3)
            timer->set(TimePoint{});
        else
            loop.stop();
    });
    timer->set(TimePoint{});
    loop.run_for(30s);
    CHECK(rings == 3);
}
