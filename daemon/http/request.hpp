#pragma once
/// One complete HTTP request, as the handlers of routes get it. A value, owned by the connection's
/// coroutine.

#include <string>
#include <string_view>

#include "common/json.hpp"
#include "daemon/http/head.hpp"
#include "daemon/http/url.hpp"

namespace scheduler {

struct HttpRequest {
    RequestHead head;
    Target target;
    FormFields path_fields;  ///< what the route's pattern named: {job_id}
    std::string body;        ///< empty for a multipart form, whose parts are in `parts`
    FormFields parts;

    /// `application/json` of `Application/JSON; charset=utf-8`; empty without a Content-Type.
    [[nodiscard]] std::string media_type() const {
        const std::string* type = head.find("content-type");
        if (type == nullptr) return {};
        return to_lower(trim(std::string_view(*type).substr(0, type->find(';'))));
    }
};

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view urlencoded_type = "application/x-www-form-urlencoded";
inline constexpr std::string_view multipart_type = "multipart/form-data";

}  // namespace scheduler
