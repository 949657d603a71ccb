#include "tests/support/scripted_daemon.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <sys/socket.h>
#include <sys/un.h>

#include "common/rpc.hpp"

namespace scheduler::testing {

void DaemonSession::write(std::string_view text) {
    while (!text.empty()) {
        auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void DaemonSession::result(const DaemonCall& call, std::string_view json) {
    write(encode_result(call.id, json));
}
void DaemonSession::error(const DaemonCall& call, const Error& error) {
    write(encode_error(call.id, error));
}
void DaemonSession::item(const DaemonCall& call, std::string_view json) {
    write(encode_item(call.id, json));
}
void DaemonSession::hang_up() {
    (void)::shutdown(fd_, SHUT_RDWR);
}
void DaemonSession::wait_for_close() {
    char byte = 0;
    (void)::recv(fd_, &byte, 1, MSG_PEEK);
}

ScriptedDaemon::ScriptedDaemon(Script script)
    : path_((dir_.path() / "s.sock").string()),
      script_(std::move(script)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 64) != 0)
        throw std::runtime_error(std::strerror(errno));
    acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedDaemon::~ScriptedDaemon() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    for (int fd : connections_)
        (void)::shutdown(fd, SHUT_RDWR);
    for (std::thread& thread : threads_)
        thread.join();
    for (int fd : connections_)
        UniqueFd closed(fd);
}

void ScriptedDaemon::accept_all() {
    for (;;) {
        int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        connections_.push_back(fd);
        threads_.emplace_back([this, fd] { serve(fd); });
    }
}

void ScriptedDaemon::serve(int fd) {
    DaemonSession session(fd);
    std::string received;
    std::array<char, 4096> buffer{};
    for (;;) {
        auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (count <= 0) break;
        received.append(buffer.data(), static_cast<std::size_t>(count));
        for (auto end = received.find('\n'); end != std::string::npos; end = received.find('\n')) {
            DaemonCall call;
            call.line = received.substr(0, end);
            received.erase(0, end + 1);
            auto parsed = parse_call(call.line);
            call.id = parsed ? parsed->id : "null";
            call.method = parsed ? parsed->method : "?";
            {
                std::lock_guard lock(mutex_);
                call.number = static_cast<int>(calls_.size());
                calls_.push_back(call);
            }
            script_(session, call);
        }
    }
    (void)::shutdown(fd, SHUT_RDWR);
}

std::vector<DaemonCall> ScriptedDaemon::calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
}

void ScriptedDaemon::wait_for_calls(std::string_view method, int count) const {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
        auto all = calls();
        if (std::count_if(all.begin(), all.end(), [&](const DaemonCall& call) {
                return call.method == method;
            }) >= count)
            return;
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no call of " + std::string(method));
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

}  // namespace scheduler::testing
