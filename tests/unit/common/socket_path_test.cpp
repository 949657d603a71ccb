#include "common/socket_path.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("root's socket is the system's", "[socket_path]") {
    SocketEnvironment environment{
        .runtime_dir = "/run/user/0", .home = "/root", .has_run_user = true};
    CHECK(default_socket_path(environment, 0) == "/run/schedulerd/schedulerd.sock");
    CHECK(default_state_dir(environment, 0) == "/var/lib/schedulerd");
    CHECK(socket_search_path(environment, 0) ==
          Paths{"/run/schedulerd/schedulerd.sock", "/var/lib/schedulerd/schedulerd.sock"});
}

TEST_CASE("a user's own paths are tried before the system's", "[socket_path]") {
    SocketEnvironment environment{
        .runtime_dir = "/tmp/run", .home = "/home/ana", .has_run_user = true};
    CHECK(default_socket_path(environment, 1000) == "/tmp/run/schedulerd.sock");
    CHECK(socket_search_path(environment, 1000) ==
          Paths{"/tmp/run/schedulerd.sock",
                "/run/user/1000/schedulerd.sock",
                "/home/ana/.local/state/schedulerd/schedulerd.sock",
                "/run/schedulerd/schedulerd.sock"});
}

TEST_CASE("no path is tried twice", "[socket_path]") {
    SocketEnvironment environment{.runtime_dir = "/run/user/1000", .has_run_user = true};
    CHECK(socket_search_path(environment, 1000) ==
          Paths{"/run/user/1000/schedulerd.sock", "/run/schedulerd/schedulerd.sock"});
}

TEST_CASE("without a runtime directory the socket is in the state directory", "[socket_path]") {
    SocketEnvironment environment{.state_home = "/data/state", .home = "/home/ana"};
    CHECK(default_socket_path(environment, 1000) == "/data/state/schedulerd/schedulerd.sock");
    environment.state_home = "relative";  // invalid, so it is ignored
    CHECK(default_socket_path(environment, 1000) ==
          "/home/ana/.local/state/schedulerd/schedulerd.sock");
    environment.home.clear();
    CHECK(default_socket_path(environment, 1000).empty());
    CHECK(socket_search_path(environment, 1000) == Paths{"/run/schedulerd/schedulerd.sock"});
}

TEST_CASE("the variable decides alone", "[socket_path]") {
    SocketEnvironment environment{.socket = "/x.sock", .runtime_dir = "/tmp/run"};
    CHECK(default_socket_path(environment, 1000) == "/x.sock");
    CHECK(socket_search_path(environment, 1000) == Paths{"/x.sock"});
    CHECK(default_socket_path(environment, 0) == "/x.sock");
}

}  // namespace scheduler
