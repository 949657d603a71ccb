#pragma once
/// Who may ask: `Host` and `Origin` against DNS rebinding and foreign web pages, tokens against
/// everybody else. Looked at when the head is there, before a body is read. Pure; any thread.

#include <string>
#include <string_view>

#include "common/result.hpp"
#include "daemon/http/head.hpp"
#include "daemon/http/options.hpp"
#include "daemon/http/url.hpp"
#include "daemon/service/caller.hpp"

namespace scheduler {

/// `local_address` is the IP address that the client connected to.
/// Errors: forbidden (naming the option that allows it), unauthorized.
Result<Caller> admit(const RequestHead& head,
                     const Target& target,
                     const HttpOptions& options,
                     std::string_view local_address);

/// In a time that depends on the lengths alone.
bool equals_in_constant_time(std::string_view left, std::string_view right);

}  // namespace scheduler
