#include "common/ids.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("placeholder", "[ids]") {
    CHECK(true);
}
