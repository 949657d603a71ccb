#include "common/error.hpp"

#include <array>
#include <cassert>

namespace scheduler {
namespace {

constexpr std::array error_table{
    ErrorFacts{ErrorCode::bad_request, "bad_request", 400, -32602, 1},
    ErrorFacts{ErrorCode::bad_field, "bad_field", 400, -32602, 1},
    ErrorFacts{ErrorCode::unknown_field, "unknown_field", 400, -32602, 1},
    ErrorFacts{ErrorCode::bad_time, "bad_time", 400, -32602, 1},
    ErrorFacts{ErrorCode::bad_date, "bad_date", 400, -32602, 1},
    ErrorFacts{ErrorCode::bad_json, "bad_json", 400, -32700, 1},
    ErrorFacts{ErrorCode::bad_rpc, "bad_rpc", 400, -32600, 1},
    ErrorFacts{ErrorCode::unauthorized, "unauthorized", 401, -32001, 1},
    ErrorFacts{ErrorCode::forbidden, "forbidden", 403, -32003, 1},
    ErrorFacts{ErrorCode::job_not_found, "job_not_found", 404, -32004, 4},
    ErrorFacts{ErrorCode::not_found, "not_found", 404, -32601, 1},
    ErrorFacts{ErrorCode::job_running, "job_running", 409, -32009, 1},
    ErrorFacts{ErrorCode::job_in_history, "job_in_history", 409, -32009, 1},
    ErrorFacts{ErrorCode::job_not_running, "job_not_running", 409, -32009, 1},
    ErrorFacts{ErrorCode::key_reused, "key_reused", 422, -32022, 1},
    ErrorFacts{ErrorCode::method_not_allowed, "method_not_allowed", 405, -32601, 1},
    ErrorFacts{ErrorCode::length_required, "length_required", 411, -32602, 1},
    ErrorFacts{ErrorCode::too_large, "too_large", 413, -32013, 1},
    ErrorFacts{ErrorCode::uri_too_long, "uri_too_long", 414, -32602, 1},
    ErrorFacts{ErrorCode::bad_media_type, "bad_media_type", 415, -32602, 1},
    ErrorFacts{ErrorCode::head_too_large, "head_too_large", 431, -32602, 1},
    ErrorFacts{ErrorCode::gone, "gone", 410, -32010, 1},
    ErrorFacts{ErrorCode::busy, "busy", 503, -32029, 1},
    ErrorFacts{ErrorCode::unavailable, "unavailable", 503, -32030, 1},
    ErrorFacts{ErrorCode::disk_full, "disk_full", 507, -32031, 1},
    ErrorFacts{ErrorCode::internal, "internal", 500, -32603, 1},
};

constexpr bool table_is_in_enum_order() {
    for (std::size_t i = 0; i < error_table.size(); ++i)
        if (static_cast<std::size_t>(error_table[i].code) != i) return false;
    return error_table.size() == static_cast<std::size_t>(ErrorCode::internal) + 1;
}
static_assert(table_is_in_enum_order());

}  // namespace

const ErrorFacts& facts(ErrorCode code) {
    return error_table[static_cast<std::size_t>(code)];
}

std::string_view to_string(ErrorCode code) {
    return facts(code).word;
}

std::optional<ErrorCode> parse_error_code(std::string_view word) {
    for (const ErrorFacts& row : error_table)
        if (row.word == word) return row.code;
    return std::nullopt;
}

}  // namespace scheduler
