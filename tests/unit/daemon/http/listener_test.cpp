#include "daemon/http/listener.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>

namespace scheduler {

TEST_CASE("port 0 is a free port, and a port in use is refused with the remedy", "[http]") {
    asio::io_context io;
    auto first = Listener::bind(io, {"127.0.0.1", 0});
    REQUIRE(first);
    CHECK((*first)->address().find("127.0.0.1:") == 0);
    CHECK((::fcntl((*first)->acceptor().native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    std::uint16_t port = (*first)->acceptor().local_endpoint().port();
    CHECK(port != 0);

    auto second = Listener::bind(io, {"localhost", port});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::unavailable);
    CHECK(second.error().message.find("localhost:" + std::to_string(port)) != std::string::npos);
    CHECK(second.error().message.find("--listen") != std::string::npos);
}

TEST_CASE(
    "an address that this machine doesn't have is refused, or left out where it may be missing",
    "[http]") {
    asio::io_context io;
    auto refused = bind_listeners(io, {{"192.0.2.1", 0}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("192.0.2.1:0") != std::string::npos);
    auto left_out = bind_listeners(io, {{"127.0.0.1", 0}, {"192.0.2.1", 0, true}});
    REQUIRE(left_out);
    CHECK(left_out->size() == 1);
}

TEST_CASE("an IPv6 address is written in brackets", "[http]") {
    CHECK(HttpAddress{"::1", 8888}.to_string() == "[::1]:8888");
    CHECK(HttpAddress{"127.0.0.1", 8888}.to_string() == "127.0.0.1:8888");
}

}  // namespace scheduler
