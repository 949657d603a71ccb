#include "daemon/http/request_parser.hpp"

#include <optional>

#include <httplib.h>

#include "daemon/http/multipart.hpp"

namespace scheduler {
namespace {

// process_request is protected and documented nowhere. What is relied on here was read in the
// source of exactly this version: look again before another one is allowed.
static_assert(std::string_view(CPPHTTPLIB_VERSION) == "0.11.4",
              "request_parser.cpp was written for cpp-httplib 0.11.4; read its process_request, "
              "then change this line");

/// One complete request, in memory. What the library writes (its own 400s, `100 Continue`) is
/// dropped: the connection writes all answers.
class MemoryStream final : public httplib::Stream {
  public:
    explicit MemoryStream(std::string_view input) : input_(input) {}

    bool is_readable() const override { return !input_.empty(); }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, std::size_t size) override {
        size = input_.copy(to, size);
        input_.remove_prefix(size);
        return static_cast<ssize_t>(size);
    }
    ssize_t write(const char*, std::size_t size) override { return static_cast<ssize_t>(size); }
    void get_remote_ip_and_port(std::string& ip, int& port) const override { none(ip, port); }
    void get_local_ip_and_port(std::string& ip, int& port) const override { none(ip, port); }
    socket_t socket() const override { return INVALID_SOCKET; }

  private:
    static void none(std::string& ip, int& port) {
        ip.clear();
        port = 0;
    }
    std::string_view input_;
};

/// Parses and copies out; it answers nothing. process_request is synchronous and an operation is
/// not.
class Parser final : public httplib::Server {
  public:
    Parser() {
        auto keep = [this](const httplib::Request& request, httplib::Response&) {
            parsed_ = request;
        };
        Get("/", keep);
        Post("/", keep);
        Put("/", keep);
        Patch("/", keep);
        Delete("/", keep);
        Options("/", keep);
    }

    /// Nothing when the library refused it.
    std::optional<httplib::Request> parse(std::string_view bytes) {
        parsed_.reset();
        MemoryStream stream(bytes);
        bool closed = false;
        (void)process_request(stream, true, closed, nullptr);
        return std::exchange(parsed_, std::nullopt);
    }

  private:
    std::optional<httplib::Request> parsed_;
};

/// What the library must not see, since of it it makes what we don't want.
bool is_hidden(const Header& header) {
    return header.name == "range" ||   // answers 416, or sends ranges of anything
           header.name == "expect" ||  // was answered before the body was read
           // It refuses urlencoded bodies above 8 KiB, and merges them into the query; for what it
           // does to multipart bodies see multipart.hpp.
           header.name == "content-type";
}

/// The request as the library gets it. Its target is always `/`: the library would percent-decode
/// the path and match it by std::regex (1 ms for 8,000 bytes); url.hpp reads the real one.
std::string text_for_library(const HttpRequest& request, std::string_view body) {
    std::string text =
        request.head.method + (request.head.is_http_1_0 ? " / HTTP/1.0\r\n" : " / HTTP/1.1\r\n");
    for (const Header& header : request.head.headers)
        if (!is_hidden(header)) text += header.name + ": " + header.value + "\r\n";
    text += "\r\n";
    text += body;
    return text;
}

}  // namespace

Result<HttpRequest> parse_request(RequestHead head, Target target, std::string_view body) {
    thread_local Parser parser;
    HttpRequest request;
    request.head = std::move(head);
    request.target = std::move(target);
    auto parsed = parser.parse(text_for_library(request, body));
    if (!parsed) return fail(ErrorCode::bad_request, "the request is malformed");
    // Header values stay ours: the library percent-decodes them.
    request.body = std::move(parsed->body);
    if (request.media_type() != multipart_type) return request;
    auto parts = parse_multipart(*request.head.find("content-type"), request.body);
    if (!parts) return fail(parts.error());
    request.parts = std::move(*parts);
    request.body.clear();
    return request;
}

}  // namespace scheduler
