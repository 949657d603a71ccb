// Catch2's main, compiled once for all test programs: it is by far their slowest file.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
