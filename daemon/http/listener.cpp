#include "daemon/http/listener.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "common/unique_fd.hpp"

namespace scheduler {
namespace {

using asio::ip::tcp;

std::string text_of(const tcp::endpoint& endpoint) {
    return HttpAddress{endpoint.address().to_string(), endpoint.port()}.to_string();
}

Failure<Error> refusal(const std::string& address, int error) {
    auto remedy = [error]() -> std::string_view {
        switch (error) {
            case EADDRINUSE:
                return "another program, or another schedulerd, listens there (`ss -ltnp` names "
                       "it); stop it, or "
                       "choose another port with --listen HOST:PORT";
            case EACCES:
                return "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose another with "
                       "--listen HOST:PORT";
            case EADDRNOTAVAIL:
            case EAFNOSUPPORT:
                return "this machine has no such address (`ip address` lists them); choose another "
                       "with --listen "
                       "HOST:PORT";
            default:
                return "choose another address with --listen HOST:PORT, or none with --no-http";
        }
    }();
    return fail(ErrorCode::unavailable,
                fmt::format("can't listen on {}: {}; {}", address, std::strerror(error), remedy));
}

Result<tcp::endpoint> resolve(asio::io_context& io, const HttpAddress& address) {
    boost::system::error_code error;
    auto ip =
        asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, error);
    if (!error) return tcp::endpoint(ip, address.port);
    tcp::resolver resolver(io);
    auto found = resolver.resolve(address.host,
                                  std::to_string(address.port),
                                  tcp::resolver::passive | tcp::resolver::numeric_service,
                                  error);
    if (error || found.empty())
        return fail(
            ErrorCode::unavailable,
            fmt::format("can't listen on {}: the name {} has no address ({}); write an IP address",
                        address.to_string(),
                        address.host,
                        error.message()));
    return found.begin()->endpoint();
}

bool set_option(int fd, int level, int name) {
    int on = 1;
    return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

/// A listening socket, or errno.
Result<UniqueFd, int> open_socket(const tcp::endpoint& endpoint) {
    UniqueFd fd(
        ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open() || !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR)) return fail(errno);
    // Without it, [::]:8888 would take the IPv4 port too, and 127.0.0.1:8888 beside it would fail.
    if (endpoint.address().is_v6() && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY))
        return fail(errno);
    if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0)
        return fail(errno);
    if (::listen(fd.get(), Listener::backlog) != 0) return fail(errno);
    return fd;
}

}  // namespace

std::string HttpAddress::to_string() const {
    bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Listener::Listener(tcp::acceptor acceptor, std::string address)
    : acceptor_(std::move(acceptor)), address_(std::move(address)) {}

Result<std::unique_ptr<Listener>> Listener::bind(asio::io_context& io, const HttpAddress& address) {
    auto endpoint = resolve(io, address);
    if (!endpoint) return fail(endpoint.error());
    auto fd = open_socket(*endpoint);
    if (!fd) {
        bool missing = fd.error() == EADDRNOTAVAIL || fd.error() == EAFNOSUPPORT;
        if (missing && address.may_be_missing) return std::unique_ptr<Listener>();
        return refusal(address.to_string(), fd.error());
    }
    boost::system::error_code error;
    tcp::acceptor acceptor{asio::any_io_executor(io.get_executor())};
    acceptor.assign(endpoint->protocol(), fd->get(), error);
    if (error) return refusal(address.to_string(), error.value());
    (void)fd->release();
    auto bound = acceptor.local_endpoint(error);
    if (error) return refusal(address.to_string(), error.value());
    std::unique_ptr<Listener> made(new Listener(std::move(acceptor), text_of(bound)));
    return made;
}

Result<Listeners> bind_listeners(asio::io_context& io, const std::vector<HttpAddress>& addresses) {
    Listeners listeners;
    for (const HttpAddress& address : addresses) {
        auto listener = Listener::bind(io, address);
        if (!listener) return fail(listener.error());
        if (*listener) listeners.push_back(std::move(*listener));
    }
    return listeners;
}

}  // namespace scheduler
