#pragma once
/// Load generators: one thread, Asio, many connections. A closed loop asks again when it was
/// answered; an open loop asks at a fixed rate whatever the answers do, and counts each latency
/// from the moment at which the request was to be sent, so that a stall shows in all the requests
/// that it held up.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scheduler::bench {

/// TCP on loopback, or a Unix socket.
struct Endpoint {
    std::uint16_t port = 0;
    std::string path;

    static Endpoint tcp(std::uint16_t port) { return {port, ""}; }
    static Endpoint unix_socket(std::string path) { return {0, std::move(path)}; }
};

/// How requests are written, and where an answer ends. Stateless: shared by all connections.
class Protocol {
  public:
    virtual ~Protocol() = default;
    /// Appends the request of this number, from 0; no number is used twice.
    virtual void write_request(std::string& text, std::uint64_t number) const = 0;
    /// The size of the answer at the beginning of `text`; 0 while it is not whole. Throws when it
    /// refuses the request.
    [[nodiscard]] virtual std::size_t answer_size(std::string_view text) const = 0;
};

struct LoadResult {
    std::uint64_t answers = 0;  ///< within the measured time
    double seconds = 0;
    std::vector<float> latencies_ms;  ///< one an answer; of batches: one a batch

    [[nodiscard]] double rate() const { return static_cast<double>(answers) / seconds; }
    [[nodiscard]] double percentile_ms(double part) const;
};

struct ClosedLoop {
    int connections = 1;
    int batch = 1;  ///< requests that are sent together; the next ones when all are answered
    double seconds = 2;
    double warm_up_seconds = 0.3;  ///< before them, not counted
    std::uint64_t first_number = 0;
};
LoadResult run_closed_loop(const Endpoint& endpoint,
                           const Protocol& protocol,
                           const ClosedLoop& how);

struct OpenLoop {
    int connections = 16;
    double rate = 1000;  ///< requests a second
    double seconds = 2;
    std::uint64_t first_number = 0;
};
LoadResult run_open_loop(const Endpoint& endpoint, const Protocol& protocol, const OpenLoop& how);

}  // namespace scheduler::bench
