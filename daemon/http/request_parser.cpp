#include "daemon/http/request_parser.hpp"

#include <optional>

#include <fmt/format.h>
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

/// Reads a body and copies it out; it answers nothing. process_request is synchronous and an
/// operation is not.
class BodyReader final : public httplib::Server {
  public:
    BodyReader() {
        Post("/",
             [this](const httplib::Request& request, httplib::Response&) { body_ = request.body; });
    }

    /// Nothing when the library refused the request.
    std::optional<std::string> read(std::string_view request) {
        body_.reset();
        MemoryStream stream(request);
        bool closed = false;
        (void)process_request(stream, true, closed, nullptr);
        return std::exchange(body_, std::nullopt);
    }

  private:
    std::optional<std::string> body_;
};

/// The request as the library gets it: a POST, whatever it is. Its head is read already, and of it
/// the library would make what we don't want: it percent-decodes values and the path, which it
/// matches by std::regex (1 ms for 8,000 bytes), answers ranges of anything, refuses urlencoded
/// bodies above 8 KiB and merges them into the query; for what it does to multipart bodies see
/// multipart.hpp.
std::string text_for_library(std::string_view body) {
    return fmt::format("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

BodyReader& reader_of_this_thread() {
    thread_local BodyReader reader;
    return reader;
}

}  // namespace

Result<HttpRequest> parse_request(RequestHead head, Target target, std::string_view body) {
    HttpRequest request;
    request.head = std::move(head);
    request.target = std::move(target);
    if (!body.empty()) {
        auto read = reader_of_this_thread().read(text_for_library(body));
        if (!read) return fail(ErrorCode::bad_request, "the request is malformed");
        request.body = std::move(*read);
    }
    if (request.media_type() != multipart_type) return request;
    auto parts = parse_multipart(*request.head.find("content-type"), request.body);
    if (!parts) return fail(parts.error());
    request.parts = std::move(*parts);
    request.body.clear();
    return request;
}

}  // namespace scheduler
