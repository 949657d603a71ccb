#pragma once
/// The table of routes: verb and path → operation. Immutable; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "daemon/http/exchange.hpp"
#include "daemon/http/schema.hpp"

namespace scheduler {

struct Route {
    std::string_view method;
    std::string_view path;  ///< `/job/{job_id}/logs`
    std::string_view
        operation;  ///< its name in the list of operations; empty where it is HTTP's own
    std::string_view summary;
    Handler handler;
    RouteSchema schema;  ///< for OpenAPI
};

const std::vector<Route>& routes();

/// The routes that serve a path, and what the path's pattern named.
struct RouteMatch {
    const Route* route = nullptr;  ///< null: unknown path, or a method that it does not have
    FormFields path_fields;
    std::vector<std::string_view>
        allowed;  ///< methods of this path, HEAD and OPTIONS too; empty: unknown
};

/// HEAD matches what GET does.
RouteMatch match_route(std::string_view method, const Target& target);

}  // namespace scheduler
