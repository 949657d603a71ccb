#pragma once
/// Puts the targets of requests together. Pure; any thread. Source: RFC 3986 sections 2.1 and 3.4.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace scheduler {

/// All but unreserved characters as %XX; `kept` names characters that stay as well (`/` of a path).
std::string percent_encode(std::string_view text, std::string_view kept = {});

/// `?a=b&c=d` with encoded values; the names are ours and need no encoding.
std::string url_query(std::initializer_list<std::pair<std::string_view, std::string>> parameters);

}  // namespace scheduler
