#include "daemon/http/request_fields.hpp"

#include "common/ids.hpp"

namespace scheduler {
namespace {

Failure<Error> bad_field(std::string message) {
    return fail(ErrorCode::bad_field, std::move(message));
}

bool has(const FormFields& fields, std::string_view name) {
    return std::any_of(
        fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
}

constexpr std::string_view json_blanks = " \t\r\n";

std::string_view trim_json(std::string_view text) {
    auto first = text.find_first_not_of(json_blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(json_blanks) - first + 1);
}

/// `curl -d '{…}'` sends JSON as a form: say so instead of naming the whole text an unknown field.
bool looks_like_json(std::string_view text) {
    text = trim_json(text);
    return !text.empty() && text.front() == '{' && text.back() == '}';
}

}  // namespace

Result<BodyFields> read_body_fields(const HttpRequest& request) {
    BodyFields fields;
    std::string type = request.media_type();
    if (type == multipart_type) {
        fields.form = request.parts;
        return fields;
    }
    if (request.body.empty()) return fields;
    if (type == json_type) {
        fields.json = request.body;
        return fields;
    }
    if (type != urlencoded_type)
        return fail(
            ErrorCode::bad_media_type,
            fmt::format(
                "a body of type \"{}\" is not taken; send application/json, "
                "application/x-www-form-urlencoded or multipart/form-data as its Content-Type",
                type.substr(0, 64)));
    if (looks_like_json(request.body))
        return fail(ErrorCode::bad_request,
                    "the body looks like JSON but was sent as a form; add the header Content-Type: "
                    "application/json");
    auto form = parse_urlencoded(request.body);
    if (!form) return fail(form.error());
    fields.form = std::move(*form);
    return fields;
}

Result<FormFields> read_outer_fields(const HttpRequest& request, bool takes_key) {
    FormFields outer = request.path_fields;
    outer.insert(outer.end(), request.target.query.begin(), request.target.query.end());
    if (!takes_key || request.head.count("idempotency-key") == 0) return outer;
    const std::string& key = *request.head.find("idempotency-key");
    if (request.head.count("idempotency-key") > 1 || has(outer, "key"))
        return bad_field(
            "the idempotency key is given twice; send the header Idempotency-Key or the field key, "
            "once");
    if (!is_valid_utf8(key)) return bad_field("the header Idempotency-Key is not valid UTF-8");
    outer.emplace_back("key", key);
    return outer;
}

Result<Done> check_given_once(const FormFields& outer, const FormFields& body) {
    for (const auto& [name, text] : outer)
        if (has(body, name))
            return bad_field(
                fmt::format("{} is given twice: in the body and in the query, path or header",
                            name.substr(0, 64)));
    return Done{};
}

Result<Done> check_job_id(std::string_view text) {
    if (parse_id_bytes(text)) return Done{};
    return fail(ErrorCode::job_not_found, fmt::format("job with id {} not found", text));
}

Result<Done> check_job_ids(const FormFields& fields) {
    for (const auto& [name, text] : fields) {
        if (name != "job_id") continue;
        if (auto checked = check_job_id(text); !checked) return checked;
    }
    return Done{};
}

Result<std::string> merge_json(const FormFields& outer,
                               const std::string& members,
                               std::string_view object) {
    object = trim_json(object);
    if (members.empty() || object.empty() || object.front() != '{') return std::string(object);
    if (auto alone = JsonDocument::parse(object); !alone) return fail(alone.error());
    bool is_empty = trim_json(object.substr(1)) == "}";
    std::string merged = '{' + members + (is_empty ? "" : ",") + std::string(object.substr(1));
    // Each part is good by itself, so what is wrong with the whole is a name that both have.
    if (JsonDocument::parse(merged)) return merged;
    for (const auto& [name, text] : outer)
        if (!JsonDocument::parse('{' + quote_json(name) + ":0," + std::string(object.substr(1))))
            return bad_field(
                fmt::format("{} is given twice: in the body and in the query, path or header",
                            name.substr(0, 64)));
    return bad_field("a field is given twice: in the body and in the query, path or header");
}

}  // namespace scheduler
