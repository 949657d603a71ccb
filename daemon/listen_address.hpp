#pragma once
/// HOST:PORT as --listen takes it. Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

/// Where HTTP listens.
struct ListenAddress {
    std::string host;  ///< a name or an address; an IPv6 address without its brackets
    std::uint16_t port = 0;
    bool may_be_missing = false;  ///< the default [::1]: left out where the machine has no IPv6

    /// `HOST:PORT` or `[ADDRESS]:PORT`. Errors: bad_field.
    static Result<ListenAddress> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    /// 127.0.0.0/8, ::1 or `localhost`: only this machine can reach it.
    [[nodiscard]] bool is_loopback() const;
    bool operator==(const ListenAddress&) const = default;
};

}  // namespace scheduler
