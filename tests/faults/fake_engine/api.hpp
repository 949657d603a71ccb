#pragma once
/// The Docker Engine API, as far as the daemon uses it, over the fake engine's containers, and how
/// the engine misbehaves. Any thread; `serve` is called on the thread of its connection.
/// Source: Docker Engine API 1.41, and what a Docker 20.10 was seen to answer.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>

#include "tests/faults/fake_engine/containers.hpp"
#include "tests/faults/fake_engine/http.hpp"

namespace scheduler::fake_engine {

/// Set by `PUT /behavior`; each member that is absent is off.
struct Behavior {
    int start_delay_ms =
        0;  ///< at most; a start waits before it takes effect, and so `created` is seen
    int latency_ms = 0;  ///< at most; before any answer
    double cut = 0;  ///< chance that the effect takes place, and the connection is closed instead
                     ///< of an answer
    double refuse = 0;  ///< chance of a 500 without an effect
    bool hang = false;  ///< nothing is answered until this is off
};

class Api {
  public:
    Api(Containers& containers, std::uint64_t seed) : containers_(containers), random_(seed) {}

    /// One request. False when the connection is to be closed.
    bool serve(HttpPeer& peer, const Request& request);

  private:
    struct Answer {
        int status = 200;
        std::string body;
        std::string type = "application/json";
    };
    bool is_stream(HttpPeer& peer, const Request& request, const std::string& path);
    Answer handle(const Request& request, const std::string& path);
    Answer handle_container(const Request& request, const std::string& rest);
    Answer create(const Request& request);
    Answer list(const Request& request);
    void stream_events(HttpPeer& peer, const Request& request);
    void stream_logs(HttpPeer& peer, const Request& request, const std::string& container);

    Answer behave(const Request& request);
    Behavior behavior();
    void wait_while_hung();
    double chance();
    void wait_up_to(int milliseconds);

    Containers& containers_;
    std::mutex mutex_;
    std::condition_variable behavior_changed_;
    Behavior behavior_;
    std::mt19937_64 random_;
};

}  // namespace scheduler::fake_engine
