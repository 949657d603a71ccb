#pragma once
/// Bodies of multipart/form-data. Parsed here and not by the library, which compares the type and
/// the name `boundary` with regard to case, takes the rest of the header for the boundary, finds
/// quoted names only, and says of all of it that the request is bad.
/// Source: RFC 7578, RFC 2046 section 5.1.1. Pure; any thread.

#include <string_view>

#include "common/json.hpp"
#include "common/result.hpp"

namespace scheduler {

/// The fields of the parts, in order; a file is a field. `content_type` is the header's value. An
/// empty body has none, whatever the header says. Errors: bad_request.
Result<FormFields> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace scheduler
