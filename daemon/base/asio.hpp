#pragma once
/// The one way to Boost.Asio. Boost 1.74's awaitable.hpp uses std::exchange without <utility>.

#include <utility>

#include <boost/asio.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scheduler {
namespace asio = boost::asio;
}
