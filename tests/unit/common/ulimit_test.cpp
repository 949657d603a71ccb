#include "common/ulimit.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("a limit is read as docker writes it, and reads back the same", "[ulimit]") {
    auto [text, limit, shown] = GENERATE(table<const char*, Ulimit, const char*>(
        {{"nofile=1024", {"nofile", 1024, 1024}, "nofile=1024"},
         {"nofile=1024:2048", {"nofile", 1024, 2048}, "nofile=1024:2048"},
         {"core=0", {"core", 0, 0}, "core=0"},
         {"memlock=-1", {"memlock", -1, -1}, "memlock=-1"},
         {"nproc=5:-1", {"nproc", 5, -1}, "nproc=5:-1"},
         {"stack=7:7", {"stack", 7, 7}, "stack=7"}}));
    CAPTURE(text);
    auto read = Ulimit::parse(text);
    REQUIRE(read);
    CHECK(*read == limit);
    CHECK(read->to_string() == shown);
    CHECK(*Ulimit::parse(shown) == limit);
}

TEST_CASE("a bad limit is refused with its value and the right form", "[ulimit]") {
    auto [text, reason] =
        GENERATE(table<const char*, const char*>({{"nofile", "has no ="},
                                                  {"", "has no ="},
                                                  {"nofiles=1", "names none of the limits"},
                                                  {"NOFILE=1", "names none of the limits"},
                                                  {"=1", "names none of the limits"},
                                                  {"nofile=", "whole numbers"},
                                                  {"nofile=a", "whole numbers"},
                                                  {"nofile=1:", "whole numbers"},
                                                  {"nofile=1:2:3", "whole numbers"},
                                                  {"nofile=1.5", "whole numbers"},
                                                  {"nofile=-2", "whole numbers"},
                                                  {"nofile=99999999999999999999", "whole numbers"},
                                                  {"nofile=2:1", "above the hard one"},
                                                  {"nofile=-1:1", "above the hard one"}}));
    CAPTURE(text);
    auto read = Ulimit::parse(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::bad_field);
    CHECK_THAT(read.error().message,
               Catch::Matchers::Contains('"' + std::string(text) + '"') &&
                   Catch::Matchers::Contains(reason) &&
                   Catch::Matchers::Contains("nofile=1024:2048"));
}
