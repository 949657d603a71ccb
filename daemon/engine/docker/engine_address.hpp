#pragma once
/// Where an engine listens: `unix:///path` or `tcp://host:port`. Also finds the engines worth
/// trying. Immutable values; any thread. Source: docker(1) DOCKER_HOST, unix(7) for the length of a
/// path.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

class EngineAddress {
  public:
    enum class Kind { unix_socket, tcp };

    /// Errors: bad_field, with the value and the right form.
    static Result<EngineAddress> parse(std::string_view text);

    [[nodiscard]] Kind kind() const { return kind_; }
    /// The socket's path, or the host without brackets.
    [[nodiscard]] const std::string& host() const { return host_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// As it is written: `unix:///var/run/docker.sock`.
    [[nodiscard]] std::string to_string() const;
    bool operator==(const EngineAddress&) const = default;

  private:
    static Result<EngineAddress> parse_unix(std::string_view text, std::string_view path);
    static Result<EngineAddress> parse_tcp(std::string_view text, std::string_view host_and_port);

    Kind kind_ = Kind::unix_socket;
    std::string host_;
    std::uint16_t port_ = 0;
};

/// What of the environment tells where an engine is; empty means unset.
struct EngineEnvironment {
    std::string docker_host;      ///< $DOCKER_HOST
    std::string xdg_runtime_dir;  ///< $XDG_RUNTIME_DIR
    static EngineEnvironment of_process();
};

/// The engines to try, in this order: `chosen` (--engine) alone if it is not empty, else
/// $DOCKER_HOST alone if it is set, else Docker's usual socket, Podman's system socket, Podman's of
/// this user. Errors: bad_field, naming the option or variable that holds a bad address.
Result<std::vector<EngineAddress>> find_engine(std::string_view chosen,
                                               const EngineEnvironment& environment);

}  // namespace scheduler
