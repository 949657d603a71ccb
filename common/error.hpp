#pragma once
/// Every way in which a request can be refused, with its stable word (`X-Error-Code` over HTTP,
/// `error.data.code` on the socket), its HTTP status, its JSON-RPC number and schedctl's exit code.
/// The table in error.cpp is the only place that knows these numbers. Words are only ever added.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace scheduler {

enum class ErrorCode : std::uint8_t {
    bad_request,
    bad_field,
    unknown_field,
    bad_time,
    bad_date,
    bad_json,
    bad_rpc,
    unauthorized,
    forbidden,
    job_not_found,
    not_found,
    job_running,
    job_in_history,
    job_not_running,
    key_reused,
    method_not_allowed,
    length_required,
    too_large,
    uri_too_long,
    bad_media_type,
    head_too_large,
    gone,
    busy,
    unavailable,
    disk_full,
    internal,
};

struct ErrorFacts {
    ErrorCode code;
    std::string_view word;
    int http_status;
    int rpc_code;
    int exit_code;
};

/// One refusal: the code for programs, one sentence for a person. The sentence says what was wrong,
/// with the value, and what to do.
struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
};

const ErrorFacts& facts(ErrorCode code);
std::string_view to_string(ErrorCode code);
/// The code with this word; nothing when a newer daemon sent one that we don't know.
std::optional<ErrorCode> parse_error_code(std::string_view word);

}  // namespace scheduler
