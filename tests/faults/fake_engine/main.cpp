/// A small engine for the fault tests: it speaks the Docker Engine API over a Unix socket, as far
/// as the daemon uses it, and starts hundreds of "containers" a second. They live in this process,
/// which outlives the daemon that is killed.
///
/// usage: fake_engine SOCKET RECORD [SEED]
///
/// Each start appends the container's name to RECORD. A container's command is `run MILLISECONDS
/// EXIT_CODE`; it prints `started` and `ended`. `PUT /behavior` makes the engine slow, hang,
/// refuse, or lose its answers (api.hpp). Prints `ready` when it listens.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/faults/fake_engine/api.hpp"

namespace scheduler::fake_engine {
namespace {

constexpr int backlog = 1024;

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

UniqueFd listen_at(const char* path) {
    UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (listener.get() < 0) die("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    (void)::unlink(path);  // of an earlier run
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        die(path);
    if (::listen(listener.get(), backlog) != 0) die("listen");
    return listener;
}

void serve(Api& api, UniqueFd connection) {
    HttpPeer peer(std::move(connection));
    try {
        while (auto request = peer.read())
            if (!api.serve(peer, *request)) return;
    } catch (const std::exception& error) {
        // A request that no daemon of ours should send: make it seen.
        std::fprintf(stderr, "fake_engine: %s\n", error.what());
        std::abort();
    }
}

int run(const char* socket_path, const char* record_path, std::uint64_t seed) {
    UniqueFd record(::open(record_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (record.get() < 0) die(record_path);
    Containers containers(std::move(record));
    Api api(containers, seed);
    UniqueFd listener = listen_at(socket_path);
    std::puts("ready");
    std::fflush(stdout);
    while (true) {
        UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (connection.get() < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            die("accept");
        }
        std::thread([&api, connection = std::move(connection)]() mutable {
            serve(api, std::move(connection));
        }).detach();
    }
}

}  // namespace
}  // namespace scheduler::fake_engine

int main(int count, char** words) {
    if (count < 3) {
        std::fprintf(stderr, "usage: fake_engine SOCKET RECORD [SEED]\n");
        return 2;
    }
    return scheduler::fake_engine::run(
        words[1], words[2], count > 3 ? std::strtoull(words[3], nullptr, 10) : 1);
}
