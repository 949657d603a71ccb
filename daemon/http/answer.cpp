#include "daemon/http/answer.hpp"

#include <fmt/format.h>

#include "common/json.hpp"

namespace scheduler {
namespace {

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 204:
            return "No Content";
        case 302:
            return "Found";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 507:
            return "Insufficient Storage";
        default:
            return "";
    }
}

constexpr std::string_view retry_after_seconds = "5";

}  // namespace

Answer json_answer(std::string body) {
    Answer answer;
    answer.body = std::move(body);
    return answer;
}

Answer error_answer(const Error& error) {
    Answer answer;
    answer.status = facts(error.code).http_status;
    answer.body = encode_error_body(error);
    answer.headers.push_back({"X-Error-Code", std::string(to_string(error.code))});
    if (answer.status == 401) answer.headers.push_back({"WWW-Authenticate", "Bearer"});
    if (answer.status == 429 || answer.status == 503)
        answer.headers.push_back({"Retry-After", std::string(retry_after_seconds)});
    return answer;
}

std::string write_head(const Answer& answer, Framing framing, bool keep_alive) {
    std::string text =
        fmt::format("HTTP/1.1 {} {}\r\n", answer.status, reason_phrase(answer.status));
    bool has_content = !answer.body.empty() || answer.stream != nullptr;
    if (has_content) text += "Content-Type: " + answer.content_type + "\r\n";
    // 204 has no body and no length (RFC 9110 section 8.6).
    if (framing == Framing::length && answer.status != 204)
        text += fmt::format("Content-Length: {}\r\n", answer.body.size());
    if (framing == Framing::chunked) text += "Transfer-Encoding: chunked\r\n";
    if (!keep_alive) text += "Connection: close\r\n";
    text += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
    for (const Header& header : answer.headers)
        text += header.name + ": " + header.value + "\r\n";
    text += "\r\n";
    return text;
}

std::string write_answer(const Answer& answer, bool keep_alive, bool with_body) {
    std::string text = write_head(answer, Framing::length, keep_alive);
    if (with_body) text += answer.body;
    return text;
}

std::string write_chunk(std::string_view piece) {
    return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
}

}  // namespace scheduler
