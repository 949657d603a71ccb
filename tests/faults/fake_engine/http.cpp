#include "tests/faults/fake_engine/http.hpp"

#include <cerrno>
#include <cstdlib>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace scheduler::fake_engine {
namespace {

constexpr const char* head_end = "\r\n\r\n";

std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            result += static_cast<char>(
                std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
            i += 2;
        } else {
            result += text[i];
        }
    }
    return result;
}

std::map<std::string, std::string> parse_query(std::string_view text) {
    std::map<std::string, std::string> query;
    while (!text.empty()) {
        std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        std::size_t equal = pair.find('=');
        if (equal == std::string_view::npos) continue;
        query[decoded(pair.substr(0, equal))] = decoded(pair.substr(equal + 1));
    }
    return query;
}

std::size_t content_length(std::string_view head) {
    constexpr std::string_view name = "\r\ncontent-length:";
    std::string lower;
    for (char c : head)
        lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::size_t at = lower.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoul(lower.c_str() + at + name.size(), nullptr, 10);
}

const char* phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 404:
            return "Not Found";
        case 409:
            return "Conflict";
        default:
            return "Error";
    }
}

}  // namespace

bool HttpPeer::read_more() {
    char bytes[16384];
    ssize_t count = 0;
    do {
        count = ::recv(connection_.get(), bytes, sizeof(bytes), 0);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
}

std::optional<Request> HttpPeer::read() {
    std::size_t end = 0;
    while ((end = buffer_.find(head_end)) == std::string::npos)
        if (!read_more()) return std::nullopt;
    std::string head = buffer_.substr(0, end);
    std::size_t body_at = end + std::string_view(head_end).size();
    std::size_t length = content_length(head);
    while (buffer_.size() < body_at + length)
        if (!read_more()) return std::nullopt;

    Request request;
    request.body = buffer_.substr(body_at, length);
    buffer_.erase(0, body_at + length);
    std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
    std::size_t method_end = line.find(' ');
    std::string_view target = line.substr(method_end + 1);
    target = target.substr(0, target.find(' '));
    std::size_t question = target.find('?');
    request.method = line.substr(0, method_end);
    request.path = decoded(target.substr(0, question));
    if (question != std::string_view::npos)
        request.query = parse_query(target.substr(question + 1));
    return request;
}

bool HttpPeer::write(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t sent = ::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void HttpPeer::answer(int status, std::string_view body, std::string_view type) {
    std::string text = fmt::format(
        "HTTP/1.1 {} {}\r\nApi-Version: 1.41\r\nOstype: linux\r\n", status, phrase(status));
    if (status != 204 && status != 304)
        text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", type, body.size());
    text += "\r\n";
    if (status != 204 && status != 304) text += body;
    (void)write(text);  // a client that is gone gets no answer
}

void HttpPeer::begin_chunks() {
    (void)write("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n");
}

bool HttpPeer::write_chunk(std::string_view bytes) {
    if (bytes.empty()) return true;
    return write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void HttpPeer::end_chunks() {
    (void)write("0\r\n\r\n");
}

bool HttpPeer::is_gone() const {
    pollfd ask{connection_.get(), POLLRDHUP, 0};
    return ::poll(&ask, 1, 0) > 0;
}

}  // namespace scheduler::fake_engine
