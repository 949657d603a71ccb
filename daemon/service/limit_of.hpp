#pragma once
/// The `limit` of a request that has one, within its type's `limit_default` and `limit_max`. Pure.

#include <cstdint>

#include <fmt/format.h>

#include "common/result.hpp"

namespace scheduler {

/// Errors: bad_field.
template <class Request>
Result<std::int64_t> limit_of(const Request& request) {
    std::int64_t limit = request.limit.value_or(Request::limit_default);
    if (limit >= 1 && limit <= Request::limit_max) return limit;
    return fail(ErrorCode::bad_field,
                fmt::format("limit must be 1 to {}, not {}", Request::limit_max, limit));
}

}  // namespace scheduler
