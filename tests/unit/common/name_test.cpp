#include "common/name.hpp"

#include <string>

#include <catch2/catch.hpp>

namespace scheduler {

TEST_CASE("names have letters, digits, _, . and -, up to 128", "[name]") {
    for (const char* name : {"JOB_A", "a", "_x", "0", "nightly-backup.v2"}) {
        INFO(name);
        CHECK(is_name(name));
        CHECK(check_name("definition", name));
    }
    for (const char* name : {"", "-a", ".a", "a b", "a/b", "a:1", "\u00e4", "a\n"}) {
        INFO(name);
        CHECK_FALSE(is_name(name));
        CHECK_FALSE(check_name("definition", name));
    }
    CHECK(check_name("definition", std::string(128, 'a')));
    auto refused = check_name("definition", std::string(129, 'a'));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "the name of a definition is longer than 128 characters");
    CHECK(check_name("definition", "a:1").error().message ==
          "name \"a:1\" can't be a definition's: letters, digits, _, . and -, the first of them a "
          "letter, a digit or _");
}

}  // namespace scheduler
