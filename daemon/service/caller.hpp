#pragma once
/// Who asks. Made by the front ends: SO_PEERCRED on the socket, the token's name or `http` over
/// HTTP.

#include <string>
#include <string_view>

namespace scheduler {

/// Who asks over HTTP without a token.
inline constexpr std::string_view anonymous_name = "http";

struct Caller {
    std::string name;  ///< `uid:1000`, `token:NAME`, `http`: what submitted_by records
    /// HTTP without a token: it may be any local user, where the others have the power of the
    /// docker group.
    bool is_anonymous = false;
};

}  // namespace scheduler
