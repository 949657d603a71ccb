#pragma once
/// HOST:PORT as `--listen` takes it. Pure values; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

struct ListenAddress {
    std::string host;        ///< an IP address without brackets, or a name
    std::uint16_t port = 0;  ///< 0: a free one
    bool optional = false;   ///< skipped where the machine has no such address (IPv6)

    /// `127.0.0.1:8888`, `[::1]:8888`.
    [[nodiscard]] std::string to_string() const;
    bool operator==(const ListenAddress&) const = default;
};

/// Errors: bad_field, with the right form.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// 127.0.0.1:8888, and [::1]:8888 where IPv6 exists.
std::vector<ListenAddress> default_listen_addresses();

/// True when only this machine can connect to it. A name other than `localhost` is never taken for
/// loopback, whatever it resolves to.
bool is_loopback(const ListenAddress& address);

}  // namespace scheduler
