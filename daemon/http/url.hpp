#pragma once
/// Request targets, queries and urlencoded bodies. Parsed here and not by the library, which drops
/// a pair that is repeated (`command=a&command=a`), merges query and body, and refuses more than 8
/// KiB. Source: RFC 3986, WHATWG URL section 5 (application/x-www-form-urlencoded). Pure; any
/// thread.

#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"
#include "common/result.hpp"

namespace scheduler {

enum class PlusSign { kept, is_blank };

/// Undoes %XX. Errors: bad_request for a bad % sequence, invalid UTF-8 or a NUL.
Result<std::string> percent_decode(std::string_view text, PlusSign plus);
/// Everything but RFC 3986's unreserved characters as %XX.
std::string percent_encode(std::string_view text);

/// `a=1&b=2&a=3` in the order given. Errors: bad_request.
Result<FormFields> parse_urlencoded(std::string_view text);
std::string encode_query(const FormFields& fields);

struct Target {
    std::string authority;  ///< of the absolute form (RFC 9112 section 3.2.2), else empty
    std::string path;       ///< as sent, without the query
    std::vector<std::string> segments;  ///< decoded: `/job/a%2Fb` is {"job", "a/b"}, `/` is {}
    FormFields query;
};

/// Errors: bad_request.
Result<Target> parse_target(std::string_view target);

}  // namespace scheduler
