#pragma once
/// The one way to Boost.Beast, which includes Asio: asio.hpp comes first.

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "daemon/base/asio.hpp"

namespace scheduler {
namespace beast = boost::beast;
namespace http = boost::beast::http;
}  // namespace scheduler
