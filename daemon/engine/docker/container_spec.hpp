#pragma once
/// The JSON bodies and filters that we send. Pure; any thread. Source: Docker Engine API 1.41.

#include <string>
#include <utility>
#include <vector>

#include "daemon/engine/engine.hpp"

namespace scheduler {

/// The body of POST /containers/create. Bytes that are not UTF-8 become U+FFFD.
std::string create_body(const ContainerRequest& request, bool is_podman);

/// A `filters` value: `{"label":["k=v"],"type":["container"]}`.
std::string filters_json(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& filters);

}  // namespace scheduler
