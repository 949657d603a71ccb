#pragma once
/// Finds the engine that answers: resolves each candidate's address, pings it, agrees on the API
/// version and asks who it is. Lives on the core thread. Source: Docker Engine API 1.41,
/// "Versioning".

#include <memory>
#include <string>
#include <vector>

#include "daemon/engine/docker/http_client.hpp"

namespace scheduler {

/// How long each kind of call may take, from when it is sent.
struct EngineTimeouts {
    Duration query = std::chrono::seconds(10);  ///< ping, list, inspect and the like
    Duration create = std::chrono::seconds(60);
    Duration start = std::chrono::seconds(120);
    Duration stop_reserve = std::chrono::seconds(30);  ///< beyond the grace
    Duration remove = std::chrono::seconds(60);
    Duration log_silence = std::chrono::seconds(60);  ///< within a log that is not followed
};

/// An engine that answered.
struct ConnectedEngine {
    std::shared_ptr<const EnginePeer> peer;
    EngineIdentity identity;
};

/// Tries the candidates in their order, each over new connections, and takes the first that
/// answers. Errors: no_answer, naming each candidate and why; refused, when one answered that can't
/// be used.
asio::awaitable<EngineResult<ConnectedEngine>> connect_engine(std::shared_ptr<HttpClient> client,
                                                              std::vector<EngineAddress> candidates,
                                                              EngineTimeouts timeouts);

}  // namespace scheduler
