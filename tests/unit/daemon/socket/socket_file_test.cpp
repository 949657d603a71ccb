#include "daemon/socket/socket_file.hpp"

#include <filesystem>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.hpp"

using namespace scheduler;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

SocketPlace place_in(const test::TempDir& dir) {
    return {dir / "s.sock", "", ""};
}

}  // namespace

TEST_CASE("the socket is for its owner and group, and gone at the end", "[socket]") {
    test::TempDir dir;
    auto place = place_in(dir);
    {
        auto file = SocketFile::bind(place);
        REQUIRE(file);
        struct stat status {};
        REQUIRE(::lstat(place.path.c_str(), &status) == 0);
        CHECK(S_ISSOCK(status.st_mode));
        CHECK((status.st_mode & 07777U) == 0660);
        SocketFile moved = std::move(*file);
        CHECK(moved.path() == place.path);
    }
    CHECK_FALSE(fs::exists(fs::symlink_status(place.path)));
}

TEST_CASE("a live socket is never taken", "[socket]") {
    test::TempDir dir;
    auto first = SocketFile::bind(place_in(dir));
    REQUIRE(first);
    auto second = SocketFile::bind(place_in(dir));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::unavailable);
    CHECK_THAT(second.error().message, Contains("another daemon listens on " + place_in(dir).path));
    CHECK(fs::exists(place_in(dir).path));
}

TEST_CASE("a socket that a dead daemon left is replaced", "[socket]") {
    test::TempDir dir;
    auto left = dir / "left.sock";
    {
        auto first = SocketFile::bind(place_in(dir));
        REQUIRE(first);
        fs::create_hard_link(place_in(dir).path, left);  // keeps the file when the socket is gone
    }
    fs::rename(left, place_in(dir).path);
    CHECK(SocketFile::bind(place_in(dir)));
}

TEST_CASE("a socket that was replaced meanwhile is not removed", "[socket]") {
    test::TempDir dir;
    auto first = SocketFile::bind(place_in(dir));
    REQUIRE(first);
    fs::remove(place_in(dir).path);
    auto second = SocketFile::bind(place_in(dir));
    REQUIRE(second);
    { SocketFile ended = std::move(*first); }
    CHECK(fs::exists(place_in(dir).path));
}

TEST_CASE("a file that is no socket is left alone", "[socket]") {
    test::TempDir dir;
    dir.write("s.sock", "precious");
    auto file = SocketFile::bind(place_in(dir));
    REQUIRE_FALSE(file);
    CHECK_THAT(file.error().message, Contains("is no socket"));
    CHECK(fs::file_size(place_in(dir).path) == 8);
}

TEST_CASE("a socket's path may have 107 bytes, and not one more", "[socket]") {
    test::TempDir dir;
    auto prefix = dir.path().string() + "/";
    auto path = [&](std::size_t bytes) { return prefix + std::string(bytes - prefix.size(), 's'); };
    CHECK(SocketFile::bind({path(107), "", ""}));
    auto refused = SocketFile::bind({path(108), "", ""});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::bad_field);
    CHECK_THAT(refused.error().message, Contains("108 bytes long") && Contains("107"));
}

TEST_CASE("a group that does not exist is refused by its name", "[socket]") {
    test::TempDir dir;
    auto refused = SocketFile::bind({dir / "s.sock", "no-such-group", ""});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message,
               Contains("no group \"no-such-group\"") && Contains("groupadd"));
    CHECK_FALSE(fs::exists(dir / "s.sock"));
}

TEST_CASE("the state directory is made for the socket, any other one must be there", "[socket]") {
    test::TempDir dir;
    auto state = dir / "state";
    auto refused = SocketFile::bind({state / "s.sock", "", ""});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Contains(state.string()) && Contains("--socket"));
    REQUIRE(SocketFile::bind({state / "s.sock", "", state}));
    CHECK(fs::status(state).permissions() == fs::perms::owner_all);
}
