#pragma once
/// From one complete request to an HttpRequest; its body is read by cpp-httplib. Only
/// request_parser.cpp touches httplib. Any thread: each has a reader of its own.

#include <string>
#include <string_view>

#include "daemon/http/request.hpp"

namespace scheduler {

/// The method is one that some route has. Errors: bad_request, with what the parser refused.
Result<HttpRequest> parse_request(RequestHead head, Target target, std::string_view body);

}  // namespace scheduler
