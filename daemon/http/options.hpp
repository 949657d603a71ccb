#pragma once
/// What users can set about HTTP, and the limits on everything that a stranger can grow.
/// Plain values; SIGHUP hands a new copy to HttpServer::set_options.

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace scheduler {

/// Sizes are bytes. Tests make the times short.
struct HttpLimits {
    std::size_t head_bytes = 8 * 1024;
    std::size_t target_bytes = 4 * 1024;
    std::size_t body_bytes = 1024 * 1024;
    std::size_t connections = 2048;
    /// Of all answers that clients have not taken yet. Above it no list is begun, so lists take no
    /// more than this, and a page for each thread, though nobody reads.
    std::size_t untaken_bytes = 64 * 1024 * 1024;
    std::chrono::milliseconds idle = std::chrono::seconds(60);  ///< between requests
    std::chrono::milliseconds head =
        std::chrono::seconds(10);  ///< from a head's first byte to its last
    std::chrono::milliseconds body =
        std::chrono::seconds(30);  ///< from a body's first byte to its last
    std::chrono::milliseconds write = std::chrono::seconds(60);  ///< for one piece of an answer
    std::chrono::milliseconds heartbeat =
        std::chrono::seconds(15);  ///< between comments in event streams
};

struct HttpOptions {
    std::vector<std::string>
        allowed_hosts;  ///< what `Host` and `Origin` may name besides the own ones
    std::map<std::string, std::string> tokens;  ///< token → its name; empty: none is asked for
    HttpLimits limits;
};

}  // namespace scheduler
