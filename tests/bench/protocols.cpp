#include "tests/bench/protocols.hpp"

#include <cstdlib>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace scheduler::bench {
namespace {

std::size_t content_length(std::string_view head) {
    for (std::string_view name : {"Content-Length: ", "content-length: "}) {
        auto at = head.find(name);
        if (at != std::string_view::npos)
            return std::strtoul(head.data() + at + name.size(), nullptr, 10);
    }
    throw std::runtime_error(fmt::format("an answer has no length: {}", head));
}

[[noreturn]] void refuse(std::string_view answer) {
    throw std::runtime_error(fmt::format("a request was refused: {}", answer.substr(0, 400)));
}

/// The size with its end, 0 while that is not there.
std::size_t line_size(std::string_view text, std::string_view end) {
    auto at = text.find(end);
    return at == std::string_view::npos ? 0 : at + end.size();
}

}  // namespace

std::string job_json(const std::string& when) {
    return fmt::format(R"({{"job_name":"test/busybox:1",{},"command":["run","50","0"]}})", when);
}

std::size_t HttpProtocol::answer_size(std::string_view text) const {
    constexpr std::size_t status_at = 9;  // after `HTTP/1.1 `
    std::size_t head = line_size(text, "\r\n\r\n");
    if (head == 0) return 0;
    if (text[status_at] != '2') refuse(text);
    std::size_t size = head + content_length(text.substr(0, head));
    return size <= text.size() ? size : 0;
}

HttpRequest HttpRequest::get(const std::string& target) {
    return HttpRequest(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", target));
}

HttpRequest HttpRequest::post(const std::string& target, const std::string& json) {
    return HttpRequest(
        fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    "application/json\r\nContent-Length: {}\r\n\r\n{}",
                    target,
                    json.size(),
                    json));
}

void HttpRequest::write_request(std::string& text, std::uint64_t) const {
    text += text_;
}

void HttpGetEach::write_request(std::string& text, std::uint64_t number) const {
    text += "GET ";
    text += targets_[number % targets_.size()];
    text += " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

void AddLines::write_request(std::string& text, std::uint64_t number) const {
    fmt::format_to(std::back_inserter(text),
                   "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"add\",\"params\":{}}}\n",
                   number,
                   json_);
}

std::size_t AddLines::answer_size(std::string_view text) const {
    std::size_t size = line_size(text, "\n");
    if (text.substr(0, size).find("\"error\":{") != std::string_view::npos) refuse(text);
    return size;
}

void RedisZadd::write_request(std::string& text, std::uint64_t number) const {
    // An hour from the epoch on: the score's size is what counts. Members differ by their number.
    std::string score = std::to_string(1'800'000'000'000 + number);
    std::string member = fmt::format("{:032x}{}", number, json_);
    fmt::format_to(std::back_inserter(text),
                   "*4\r\n$4\r\nZADD\r\n$3\r\ndue\r\n${}\r\n{}\r\n${}\r\n{}\r\n",
                   score.size(),
                   score,
                   member.size(),
                   member);
}

std::size_t RedisZadd::answer_size(std::string_view text) const {
    std::size_t size = line_size(text, "\r\n");
    if (size > 0 && text.front() != ':') refuse(text);
    return size;
}

void BeanstalkPut::write_request(std::string& text, std::uint64_t) const {
    fmt::format_to(std::back_inserter(text), "put 1024 3600 60 {}\r\n{}\r\n", json_.size(), json_);
}

std::size_t BeanstalkPut::answer_size(std::string_view text) const {
    std::size_t size = line_size(text, "\r\n");
    if (size > 0 && !text.starts_with("INSERTED ")) refuse(text);
    return size;
}

}  // namespace scheduler::bench
