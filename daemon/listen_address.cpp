#include "daemon/listen_address.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

Failure<Error> bad_address(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_field,
        fmt::format("address \"{}\" {}; write HOST:PORT, such as 127.0.0.1:8888 or [::1]:8888",
                    text.substr(0, 128),
                    reason));
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
    auto colon = text.rfind(':');
    if (colon == std::string_view::npos || text.back() == ']')
        return bad_address(text, "has no port");
    auto digits = text.substr(colon + 1);
    unsigned port = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port > 65535)
        return bad_address(text, "has a port that is not 0 to 65535");
    ListenAddress address{std::string(text.substr(0, colon)), static_cast<std::uint16_t>(port)};
    std::string& host = address.host;
    if (host.empty()) return bad_address(text, "has no host");
    if (host.front() == '[') {
        host = host.back() == ']' ? host.substr(1, host.size() - 2) : "";
        if (!is_ipv6(host)) return bad_address(text, "has no IPv6 address in its brackets");
    } else if (host.find(':') != std::string::npos) {
        return bad_address(text, "has an IPv6 address without brackets");
    } else if (!std::all_of(host.begin(), host.end(), is_host_character)) {
        return bad_address(text, "has a host that is neither an address nor a name");
    }
    return address;
}

std::string ListenAddress::to_string() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

bool ListenAddress::is_loopback() const {
    if (host == "localhost") return true;
    in_addr four{};
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24U == 127;
    in6_addr six{};
    return ::inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six) != 0;
}

}  // namespace scheduler
