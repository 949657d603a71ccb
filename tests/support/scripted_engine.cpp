#include "tests/support/scripted_engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <stdexcept>

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace scheduler::testing {
namespace {

std::size_t content_length(std::string_view head) {
    constexpr std::string_view name = "Content-Length: ";
    auto at = head.find(name);
    std::size_t length = 0;
    if (at != std::string_view::npos)
        std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
}

}  // namespace

bool ScriptedSession::fill() {
    std::array<char, 4096> bytes{};
    ssize_t count = 0;
    do {
        count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    return true;
}

std::optional<ScriptedRequest> ScriptedSession::read() {
    std::size_t head_end = 0;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos)
        if (!fill()) return std::nullopt;
    head_end += 4;
    std::size_t length = content_length(std::string_view(buffer_).substr(0, head_end));
    while (buffer_.size() < head_end + length)
        if (!fill()) return std::nullopt;
    ScriptedRequest request{buffer_.substr(0, buffer_.find(" HTTP/")),
                            buffer_.substr(head_end, length)};
    buffer_.erase(0, head_end + length);
    record_(request);
    return request;
}

void ScriptedSession::write(std::string_view bytes) {
    while (!bytes.empty()) {
        auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;  // the client has gone, which the test may want
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void ScriptedSession::wait_for_close() {
    while (fill())
        buffer_.clear();
}

ScriptedEngine::ScriptedEngine(Script script) : script_(std::move(script)) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "scripted-engine-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("mkdtemp failed for " + pattern);
    directory_ = pattern;
    path_ = directory_ + "/docker.sock";
    listen();
}

ScriptedEngine::~ScriptedEngine() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void ScriptedEngine::listen() {
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    (void)::unlink(path_.c_str());  // left by a kill
    const void* generic = &address;
    if (::bind(listener_.get(), static_cast<const sockaddr*>(generic), sizeof address) != 0 ||
        ::listen(listener_.get(), 64) != 0)
        throw std::runtime_error("can't listen on " + path_);
    acceptor_ = std::thread([this, fd = listener_.get()] { accept_all(fd); });
}

void ScriptedEngine::accept_all(int listener) {
    while (true) {
        int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0 && errno == EINTR) continue;
        if (fd < 0) return;
        {
            std::lock_guard lock(mutex_);
            open_.push_back(fd);
        }
        sessions_.emplace_back([this, fd, number = connections_++] {
            ScriptedSession session(fd, [this](ScriptedRequest request) {
                std::lock_guard lock(mutex_);
                recorded_.push_back(std::move(request));
            });
            script_(session, number);
            std::lock_guard lock(mutex_);
            std::erase(open_, fd);
            (void)::close(fd);
        });
    }
}

void ScriptedEngine::kill() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    listener_.reset();
    {
        std::lock_guard lock(mutex_);
        for (int fd : open_)
            (void)::shutdown(fd, SHUT_RDWR);
    }
    for (auto& session : sessions_)
        session.join();
    sessions_.clear();
}

void ScriptedEngine::revive() {
    listen();
}

std::vector<std::string> ScriptedEngine::requests() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    for (const auto& request : recorded_)
        lines.push_back(request.line);
    return lines;
}

int ScriptedEngine::count(std::string_view line_part) const {
    std::lock_guard lock(mutex_);
    return static_cast<int>(
        std::count_if(recorded_.begin(), recorded_.end(), [&](const ScriptedRequest& request) {
            return request.line.find(line_part) != std::string::npos;
        }));
}

std::string http_answer(std::string_view status,
                        std::string_view body,
                        std::string_view more_headers) {
    return fmt::format(
        "HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, more_headers, body.size(), body);
}

std::optional<std::string> introduction(const ScriptedRequest& request, std::string_view version) {
    if (request.line == "GET /_ping")
        return http_answer("200 OK", "OK", fmt::format("Api-Version: {}\r\n", version));
    if (request.line.ends_with("/info"))
        return http_answer(
            "200 OK",
            R"({"ID":"AB:CD","DockerRootDir":"/data","ServerVersion":"20.10.24+dfsg1","NCPU":2})");
    if (request.line.ends_with("/_ping")) return http_answer("200 OK", "OK");
    return std::nullopt;
}

std::string http_chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace scheduler::testing
