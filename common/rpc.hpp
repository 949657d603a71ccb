#pragma once
/// The envelope of JSON-RPC 2.0 as JSON lines: one object a line, UTF-8. Source: the JSON-RPC 2.0
/// specification; batch arrays and requests without `id` are refused with −32600.

#include <optional>
#include <string>
#include <string_view>

#include "common/json.hpp"
#include "common/result.hpp"

namespace scheduler {

struct RpcLimits {
    static constexpr std::size_t line_bytes = 1024 * 1024;
    static constexpr std::size_t id_bytes = 256;
};

/// A request line as a server reads it.
struct RpcCall {
    std::string id;  ///< the id as JSON text, to be sent back as it came
    std::string method;
    std::optional<JsonDocument> params;  ///< an object, or nothing
    /// A job is added `from` another one: this is read by the writes before it.
    bool has_origin = false;
    bool has_jobs = false;  ///< params has the member `jobs`: `add` means the batch
};

/// What a bad line gets: the error, and the id where one could be read (else `null`).
struct RpcRefusal {
    std::string id = "null";
    Error error;
};

/// Errors: bad_json, bad_rpc.
Result<RpcCall, RpcRefusal> parse_call(std::string_view line);

/// The parameters as a request. Errors: those of `decode`.
template <class Request>
Result<Request> decode_params(const RpcCall& call);

/// A request line as a client writes it, with its newline. `params` is JSON text.
std::string encode_call(std::int64_t id, std::string_view method, std::string_view params);
std::string encode_result(std::string_view id, std::string_view result);
std::string encode_error(std::string_view id, const Error& error);
std::string encode_item(std::string_view request_id, std::string_view item);

/// A line as a client reads it: a result, an error, or an item of a stream.
struct RpcReply {
    enum class Kind { result, error, item };
    Kind kind = Kind::result;
    std::string content;  ///< the result's or item's JSON text
    Error error;
    std::string error_json;  ///< the whole error object, for `--json`
};
/// Errors: bad_json, bad_rpc.
Result<RpcReply> parse_reply(std::string_view line);

}  // namespace scheduler
