#pragma once
/// EngineDriver turns an io_context until an engine's reply has come, so that a test reads top to
/// bottom.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "daemon/engine/docker/docker_engine.hpp"

namespace scheduler::testing {

class EngineDriver {
  public:
    explicit EngineDriver(const std::string& address, EngineTimeouts timeouts = {})
        : EngineDriver(std::vector{EngineAddress::parse(address).value()}, timeouts) {}
    explicit EngineDriver(std::vector<EngineAddress> candidates, EngineTimeouts timeouts = {})
        : engine(std::make_unique<DockerEngine>(io, std::move(candidates), timeouts)) {}

    /// Turns the loop until `condition()` holds; fails the test after a minute.
    template <class Condition>
    void run_until(Condition condition) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!condition()) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
    }

    /// `call` gets the reply to hand to the engine; the result is what was replied.
    template <class T, class Call>
    EngineResult<T> wait(Call call) {
        std::optional<EngineResult<T>> result;
        call(EngineReply<T>(
            [&result](EngineResult<T> answer) { result.emplace(std::move(answer)); }));
        run_until([&] { return result.has_value(); });
        return *std::move(result);
    }

    EngineResult<EngineIdentity> connect() {
        return wait<EngineIdentity>([&](auto reply) { engine->connect(std::move(reply)); });
    }
    EngineResult<Done> ping() {
        return wait<Done>([&](auto reply) { engine->ping(std::move(reply)); });
    }
    EngineResult<std::string> create(const ContainerRequest& request) {
        return wait<std::string>([&](auto reply) { engine->create(request, std::move(reply)); });
    }
    EngineResult<Done> start(const std::string& container) {
        return wait<Done>([&](auto reply) { engine->start(container, std::move(reply)); });
    }
    EngineResult<Done> stop(const std::string& container, Duration grace) {
        return wait<Done>([&](auto reply) { engine->stop(container, grace, std::move(reply)); });
    }
    EngineResult<ContainerState> inspect(const std::string& container) {
        return wait<ContainerState>(
            [&](auto reply) { engine->inspect(container, std::move(reply)); });
    }
    EngineResult<Done> remove(const std::string& container) {
        return wait<Done>([&](auto reply) { engine->remove(container, std::move(reply)); });
    }
    EngineResult<std::vector<ContainerSummary>> list(const std::string& label,
                                                     const std::string& value) {
        return wait<std::vector<ContainerSummary>>(
            [&](auto reply) { engine->list(label, value, std::move(reply)); });
    }
    EngineResult<bool> has_image(const std::string& image) {
        return wait<bool>([&](auto reply) { engine->has_image(image, std::move(reply)); });
    }
    EngineResult<Done> logs(const std::string& container, bool follow, LogFrameSink sink) {
        return wait<Done>([&](auto reply) {
            engine->logs(container, {follow, {}, nullptr}, std::move(sink), std::move(reply));
        });
    }

    asio::io_context io;
    std::unique_ptr<DockerEngine> engine;
};

}  // namespace scheduler::testing
