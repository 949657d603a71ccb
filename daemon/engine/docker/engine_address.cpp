#include "daemon/engine/docker/engine_address.hpp"

#include <charconv>
#include <cstdlib>

#include <sys/un.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

constexpr std::size_t socket_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t shown_bytes_max = 200;

Failure<Error> bad_address(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_field,
        fmt::format("\"{}\" is no address of an engine: {}; write unix:///path or tcp://host:port",
                    text.substr(0, shown_bytes_max),
                    reason));
}

bool has_blank_or_control(std::string_view text) {
    for (char c : text)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return true;
    return false;
}

}  // namespace

Result<EngineAddress> EngineAddress::parse(std::string_view text) {
    constexpr std::string_view unix_scheme = "unix://";
    constexpr std::string_view tcp_scheme = "tcp://";
    if (text.starts_with(unix_scheme)) return parse_unix(text, text.substr(unix_scheme.size()));
    if (text.starts_with(tcp_scheme)) return parse_tcp(text, text.substr(tcp_scheme.size()));
    if (text.find("://") != std::string_view::npos)
        return bad_address(text,
                           fmt::format("{} is not supported", text.substr(0, text.find("://"))));
    return bad_address(text, "it has no scheme");
}

Result<EngineAddress> EngineAddress::parse_unix(std::string_view text, std::string_view path) {
    if (!path.starts_with('/')) return bad_address(text, "the socket's path must begin with /");
    if (path.find('\0') != std::string_view::npos)
        return bad_address(text, "the path holds a NUL character");
    if (path.size() > socket_path_bytes_max)
        return bad_address(
            text, fmt::format("the path of a socket has at most {} bytes", socket_path_bytes_max));
    EngineAddress address;
    address.kind_ = Kind::unix_socket;
    address.host_ = path;
    return address;
}

Result<EngineAddress> EngineAddress::parse_tcp(std::string_view text,
                                               std::string_view host_and_port) {
    // `tcp://host:2375/` is what some tools print; nothing else may follow the port.
    if (host_and_port.ends_with('/')) host_and_port.remove_suffix(1);
    auto colon = host_and_port.rfind(':');
    if (colon == std::string_view::npos)
        return bad_address(text, "it has no port (docker's usual one is 2375)");
    std::string_view host = host_and_port.substr(0, colon);
    std::string_view port = host_and_port.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return bad_address(text, "an IPv6 address goes in brackets, as in tcp://[::1]:2375");
    }
    if (host.empty()) return bad_address(text, "it has no host");
    if (has_blank_or_control(host) || host.find('/') != std::string_view::npos)
        return bad_address(text, "the host is no name and no address");
    EngineAddress address;
    address.kind_ = Kind::tcp;
    address.host_ = host;
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port_);
    if (error != std::errc{} || end != port.data() + port.size() || address.port_ == 0)
        return bad_address(text, "the port must be 1 to 65535");
    return address;
}

std::string EngineAddress::to_string() const {
    if (kind_ == Kind::unix_socket) return "unix://" + host_;
    bool is_ipv6 = host_.find(':') != std::string::npos;
    return fmt::format("tcp://{}:{}", is_ipv6 ? '[' + host_ + ']' : host_, port_);
}

EngineEnvironment EngineEnvironment::of_process() {
    auto get = [](const char* name) {
        const char* value =
            std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
        return std::string(value == nullptr ? "" : value);
    };
    return {get("DOCKER_HOST"), get("XDG_RUNTIME_DIR")};
}

Result<std::vector<EngineAddress>> find_engine(std::string_view chosen,
                                               const EngineEnvironment& environment) {
    auto only = [](std::string_view origin,
                   std::string_view text) -> Result<std::vector<EngineAddress>> {
        auto address = EngineAddress::parse(text);
        if (!address)
            return fail(address.error().code,
                        fmt::format("{}: {}", origin, address.error().message));
        return std::vector{*std::move(address)};
    };
    if (!chosen.empty()) return only("--engine", chosen);
    if (!environment.docker_host.empty()) return only("$DOCKER_HOST", environment.docker_host);

    std::vector<std::string> usual{"unix:///var/run/docker.sock", "unix:///run/podman/podman.sock"};
    if (environment.xdg_runtime_dir.starts_with('/'))
        usual.push_back("unix://" + environment.xdg_runtime_dir + "/podman/podman.sock");
    std::vector<EngineAddress> found;
    for (const std::string& text : usual)
        if (auto address = EngineAddress::parse(text)) found.push_back(*std::move(address));
    return found;
}

}  // namespace scheduler
