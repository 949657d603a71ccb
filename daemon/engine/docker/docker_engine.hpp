#pragma once
/// DockerEngine speaks the Docker Engine API, as Docker and Podman do, over a Unix socket or TCP.
/// It is in use from the first connect() that succeeds; until then each call is no_answer. Each
/// connect() tries all candidates again and agrees on the version again: whether the engine found
/// is the one that was used before is for the caller to compare. Lives on the core thread and does
/// not own its io_context, which may outlive it. Source: Docker Engine API 1.41 to 1.47,
/// Podman 4.3.1.

#include <memory>
#include <string>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/engine/docker/engine_address.hpp"
#include "daemon/engine/docker/engine_connector.hpp"
#include "daemon/engine/docker/podman_mounts.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

class DockerEngine final : public Engine {
  public:
    /// `candidates` as find_engine() gives them; at least one.
    DockerEngine(asio::io_context& core,
                 std::vector<EngineAddress> candidates,
                 EngineTimeouts timeouts = {});
    ~DockerEngine() override;
    DockerEngine(const DockerEngine&) = delete;
    DockerEngine& operator=(const DockerEngine&) = delete;

    void connect(EngineReply<EngineIdentity> reply) override;
    void ping(EngineReply<Done> reply) override;
    void create(const ContainerRequest& request, EngineReply<std::string> reply) override;
    void start(const std::string& container, EngineReply<Done> reply) override;
    void stop(const std::string& container, Duration grace, EngineReply<Done> reply) override;
    void inspect(const std::string& container, EngineReply<ContainerState> reply) override;
    void remove(const std::string& container, EngineReply<Done> reply) override;
    void list(const std::string& label,
              const std::string& value,
              EngineReply<std::vector<ContainerSummary>> reply) override;
    void has_image(const std::string& image, EngineReply<bool> reply) override;
    void remembers_start(const std::string& container,
                         TimePoint from,
                         TimePoint to,
                         EngineReply<bool> reply) override;
    void remembers_creation(const std::string& container, EngineReply<Memory> reply) override;
    void logs(const std::string& container,
              LogReading reading,
              LogFrameSink sink,
              EngineReply<Done> reply) override;
    void watch(const std::string& label, const std::string& value, Watch watch) override;

  private:
    struct State;

    static asio::awaitable<void> run_connect(std::shared_ptr<State> state,
                                             EngineReply<EngineIdentity> reply);
    /// Sends it to the engine in use. `target` comes without the version. Null when there is none.
    std::shared_ptr<HttpExchange> call(EngineRequest request, EngineReply<EngineAnswer> reply);
    /// Replies from the loop, as an engine would.
    template <class T>
    void fail_later(EngineFailure failure, EngineReply<T> reply);
    void send_create(const ContainerRequest& request, EngineReply<std::string> reply);
    void kill(const std::string& container, EngineReply<Done> reply);
    void has_event(std::string filters, TimePoint since, TimePoint until, EngineReply<bool> reply);
    static asio::awaitable<EngineResult<Memory>> find_creation(std::shared_ptr<State> state,
                                                               std::string container);

    /// Shared with coroutines that may outlive this object.
    std::shared_ptr<State> state_;
    BindSources bind_sources_;
    /// Replies that lead to another call hold it weakly.
    Anchor<DockerEngine> anchor_{*this};
};

}  // namespace scheduler
