#include "daemon/base/id_generator.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

using namespace scheduler;
using namespace std::chrono_literals;

namespace {

class HeldClock final : public Clock {
  public:
    [[nodiscard]] TimePoint now() const override { return at; }
    [[nodiscard]] SteadyPoint steady() const override { return {}; }
    TimePoint at{1'700'000'000'000ms};
};

std::uint64_t no_bits() {
    return 0;
}

}  // namespace

TEST_CASE("an id is a UUIDv7 of the clock's millisecond", "[base]") {
    HeldClock clock;
    IdGenerator ids(clock, no_bits, std::nullopt);
    CHECK(ids.next().to_string() == "018bcfe5680070008000000000000000");
    CHECK(ids.next().to_string() == "018bcfe5680070018000000000000000");
    clock.at += 1ms;
    CHECK(ids.next().to_string() == "018bcfe5680170008000000000000000");
}

TEST_CASE("ids keep rising when the clock goes back or a millisecond is full", "[base]") {
    HeldClock clock;
    IdGenerator ids(clock, system_random(), std::nullopt);
    std::vector<JobId> made;
    for (int i = 0; i < 5000; ++i)
        made.push_back(ids.next());
    clock.at -= 1h;
    for (int i = 0; i < 5000; ++i)
        made.push_back(ids.next());
    clock.at = TimePoint{-5s};
    made.push_back(ids.next());
    clock.at = TimePoint{1'700'000'000'000ms} + 1h;
    made.push_back(ids.next());
    CHECK(std::adjacent_find(made.begin(), made.end(), [](JobId a, JobId b) { return a >= b; }) ==
          made.end());
}

TEST_CASE("the first id after a restart is behind the last one before it", "[base]") {
    HeldClock clock;
    auto last = JobId::parse(GENERATE("018bcfe568007ffebfffffffffffffff",
                                      "018bcfe568007fffbfffffffffffffff",
                                      "018bcfe5ffff7123bfffffffffffffff"));
    IdGenerator ids(clock, no_bits, *last);
    CHECK(ids.next() > *last);
}

TEST_CASE("the system's randomness differs from call to call", "[base]") {
    auto random = system_random();
    CHECK(random() != random());
}
