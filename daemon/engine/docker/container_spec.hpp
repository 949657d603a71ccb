#pragma once
/// The JSON bodies and filters that we send. Pure; any thread. Source: Docker Engine API 1.41.

#include <string>
#include <utility>
#include <vector>

#include "daemon/engine/engine.hpp"

namespace scheduler {

/// The body of POST /containers/create. Bytes that are not UTF-8 become U+FFFD.
/// The engine's log (json-file) is rotated so that `log_bytes_max` of it always stays: three files
/// of that size and a bit, of which the newest two are whole. It is counted with the engine's own
/// wrapping, about 75 bytes a line, so lines of 80 bytes and more fit twice over; shorter ones may
/// lose their oldest.
std::string create_body(const ContainerRequest& request);

/// A `filters` value: `{"label":["k=v"],"type":["container"]}`.
std::string filters_json(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& filters);

}  // namespace scheduler
