#pragma once
/// From an HttpRequest to the request type of an operation. Fields come from the path, the query,
/// the header Idempotency-Key, and the body as a form (multipart, urlencoded) or JSON; each one
/// from one place only, so that nothing is dropped silently. Pure; any thread.

#include <algorithm>

#include <fmt/format.h>

#include "common/fields.hpp"
#include "common/json.hpp"
#include "daemon/http/json_members.hpp"
#include "daemon/http/request.hpp"

namespace scheduler {

/// The body's fields, or its JSON text.
struct BodyFields {
    FormFields form;
    std::string json;  ///< empty: the body was a form or empty
};

/// Errors: bad_media_type, bad_request, bad_field.
Result<BodyFields> read_body_fields(const HttpRequest& request);

/// Those of path, query and header. `takes_key`: the operation has a field `key`.
/// Errors: bad_field when the key is given twice or is no text.
Result<FormFields> read_outer_fields(const HttpRequest& request, bool takes_key);

/// Errors: bad_field for a name that is in both.
Result<Done> check_given_once(const FormFields& outer, const FormFields& body);

/// HTTP takes whole ids only. Errors: job_not_found for any other text in `job_id`.
Result<Done> check_job_id(std::string_view text);
Result<Done> check_job_ids(const FormFields& fields);

/// Puts members in front of those of a JSON object. Errors: bad_json, bad_field (given twice).
Result<std::string> merge_json(const FormFields& outer,
                               const std::string& members,
                               std::string_view object);

template <class Request>
Result<Request> decode_fields(FormFields outer, const BodyFields& body) {
    if (body.json.empty()) {
        if (auto once = check_given_once(outer, body.form); !once) return fail(once.error());
        outer.insert(outer.end(), body.form.begin(), body.form.end());
        return decode_form<Request>(outer);
    }
    auto members = json_members<Request>(outer);
    if (!members) return fail(members.error());
    auto merged = merge_json(outer, *members, body.json);
    if (!merged) return fail(merged.error());
    return decode<Request>(*merged);
}

/// Errors: job_not_found, bad_media_type, bad_request, bad_json, bad_field, unknown_field.
template <class Request>
Result<Request> read_request(const HttpRequest& request) {
    auto names = field_names<Request>();
    bool takes_key = std::find(names.begin(), names.end(), "key") != names.end();
    auto outer = read_outer_fields(request, takes_key);
    if (!outer) return fail(outer.error());
    auto body = read_body_fields(request);
    if (!body) return fail(body.error());
    auto decoded = decode_fields<Request>(*outer, *body);
    if (!decoded && decoded.error().code == ErrorCode::unknown_field) return decoded;
    // Any other text that is no id is the id of no job.
    for (const FormFields& fields : {*outer, body->form})
        if (auto checked = check_job_ids(fields); !checked) return fail(checked.error());
    if constexpr (requires { decoded->job_id.text; })
        if (decoded)
            if (auto checked = check_job_id(decoded->job_id.text); !checked)
                return fail(checked.error());
    return decoded;
}

}  // namespace scheduler
