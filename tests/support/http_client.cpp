#include "tests/support/http_client.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace scheduler::test {
namespace {

bool has(const HttpHeaders& headers, std::string_view name) {
    return std::any_of(
        headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
}

HttpAnswer parse_head(const std::string& text) {
    HttpAnswer answer;
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    if (line.size() > 12) answer.status = std::stoi(line.substr(9, 3));
    while (std::getline(lines, line) && line != "\r") {
        line.erase(line.find_last_not_of("\r\n") + 1);
        auto colon = line.find(": ");
        std::string name = line.substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
            return static_cast<char>(std::tolower(c));
        });
        answer.headers[name] = colon == std::string::npos ? "" : line.substr(colon + 2);
    }
    return answer;
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

void HttpClient::send(const std::string& method,
                      const std::string& target,
                      const HttpHeaders& headers,
                      const std::string& body) {
    std::string text = method + ' ' + target + " HTTP/1.1\r\n";
    if (!has(headers, "Host")) text += "Host: localhost:" + std::to_string(port_) + "\r\n";
    if (!body.empty() && !has(headers, "Content-Length"))
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& [name, value] : headers)
        text += name + ": " + value + "\r\n";
    socket_.send(text + "\r\n" + body);
}

HttpAnswer HttpClient::ask(const std::string& method,
                           const std::string& target,
                           const HttpHeaders& headers,
                           const std::string& body) {
    send(method, target, headers, body);
    return read_answer(method == "HEAD");
}

HttpAnswer HttpClient::read_head() {
    return parse_head(socket_.read_until("\r\n\r\n"));
}

std::string HttpClient::read_chunk() {
    std::string size = socket_.read_until("\r\n");
    if (size.empty()) return {};
    std::string bytes = socket_.read_bytes(std::stoul(size, nullptr, 16) + 2);
    return bytes.substr(0, bytes.size() < 2 ? 0 : bytes.size() - 2);
}

HttpAnswer HttpClient::read_answer(bool is_head) {
    HttpAnswer answer = read_head();
    if (is_head || answer.status == 204 || answer.status == 100) return answer;
    if (answer.headers.count("content-length") > 0) {
        answer.body = socket_.read_bytes(std::stoul(answer.header("content-length")));
    } else if (answer.header("transfer-encoding") == "chunked") {
        for (std::string chunk = read_chunk(); !chunk.empty(); chunk = read_chunk())
            answer.body += chunk;
    } else if (answer.status != 0) {
        answer.body = socket_.read_to_end();
    }
    return answer;
}

HttpAnswer http(std::uint16_t port,
                const std::string& method,
                const std::string& target,
                const HttpHeaders& headers,
                const std::string& body) {
    return HttpClient(port).ask(method, target, headers, body);
}

HttpAnswer http_bytes(std::uint16_t port, std::string_view bytes) {
    HttpClient client(port);
    client.socket().send(bytes);
    return client.read_answer();
}

}  // namespace scheduler::test
