#pragma once
/// An answer and its bytes. Every error has the body {"message":…}, its stable word in
/// X-Error-Code, and the headers that its status asks for. Values; any thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "daemon/http/body_stream.hpp"
#include "daemon/http/head.hpp"

namespace scheduler {

struct Answer {
    int status = 200;
    std::string content_type = "application/json";
    std::vector<Header> headers;
    std::string body;
    std::unique_ptr<BodyStream> stream;  ///< in place of `body` when its end is not known yet
};

Answer json_answer(std::string body);
Answer error_answer(const Error& error);

/// How the body is framed.
enum class Framing {
    length,     ///< Content-Length
    chunked,    ///< for streams
    until_end,  ///< streams to HTTP/1.0: the end of the connection is the end of the body
};

/// Status line and headers, with the empty line.
std::string write_head(const Answer& answer, Framing framing, bool keep_alive);
/// A complete answer that is not a stream. `with_body` is false for HEAD.
std::string write_answer(const Answer& answer, bool keep_alive, bool with_body = true);
/// One chunk (RFC 9112 section 7.1). `piece` is not empty.
std::string write_chunk(std::string_view piece);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace scheduler
