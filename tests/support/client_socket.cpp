#include "tests/support/client_socket.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace scheduler::test {
namespace {

/// How long a test waits for what should come at once.
constexpr std::chrono::seconds patience{20};

UniqueFd connect_to(int family, const sockaddr* address, socklen_t size) {
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.is_open() || ::connect(fd.get(), address, size) != 0)
        throw std::runtime_error(std::string("can't connect: ") + std::strerror(errno));
    return fd;
}

bool is_ready(int fd, short events, std::chrono::milliseconds time) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

ClientSocket ClientSocket::to_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ClientSocket(
        connect_to(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

ClientSocket ClientSocket::to_path(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return ClientSocket(
        connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

bool ClientSocket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!is_ready(fd_.get(), POLLOUT, patience))
            throw std::runtime_error("nothing is read by the daemon");
        auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void ClientSocket::reset() {
    const linger at_once{1, 0};
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
}

void ClientSocket::end_sending() {
    (void)::shutdown(fd_.get(), SHUT_WR);
}

bool ClientSocket::read_more() {
    if (!is_ready(fd_.get(), POLLIN, patience))
        throw std::runtime_error("nothing came, after: " + buffer_);
    char bytes[16 * 1024];
    auto count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
}

std::string ClientSocket::read_until(std::string_view end) {
    std::size_t place = buffer_.find(end);
    while (place == std::string::npos) {
        std::size_t from = buffer_.size() < end.size() ? 0 : buffer_.size() - end.size();
        if (!read_more()) return std::exchange(buffer_, {});
        place = buffer_.find(end, from);
    }
    return read_bytes(place + end.size());
}

std::string ClientSocket::read_bytes(std::size_t count) {
    while (buffer_.size() < count && read_more()) {
    }
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
}

std::string ClientSocket::read_to_end() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
}

bool ClientSocket::is_at_end() {
    return buffer_.empty() && !read_more();
}

bool ClientSocket::is_silent() {
    return buffer_.empty() && !is_ready(fd_.get(), POLLIN, std::chrono::milliseconds(200));
}

}  // namespace scheduler::test
