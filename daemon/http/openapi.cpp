#include "daemon/http/openapi.hpp"

#include <algorithm>
#include <set>

#include "daemon/http/routes.hpp"

namespace scheduler {
namespace {

/// Joins `parts` of JSON with commas.
class Joined {
  public:
    void add(std::string_view part) {
        if (!text_.empty()) text_ += ',';
        text_ += part;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

bool is_in_path(const Route& route, const FieldSchema& field) {
    return route.path.find('{' + field.name + '}') != std::string_view::npos;
}

bool takes_body(const Route& route) {
    return route.method == "POST" || route.method == "PUT" || route.method == "PATCH";
}

/// Where the route takes a body, a field may stand there instead, so the query does not require it.
std::string parameters(const Route& route) {
    Joined list;
    for (const FieldSchema& field : route.schema.request) {
        if (field.form.empty()) continue;
        bool in_path = is_in_path(route, field);
        list.add(
            fmt::format(R"({{"name":{},"in":"{}","required":{},"description":{},"schema":{}}})",
                        quote_json(field.name),
                        in_path ? "path" : "query",
                        in_path || (field.is_required && !takes_body(route)),
                        quote_json(field.doc),
                        field.form));
    }
    if (route.operation == AddRequest::method)
        list.add(
            R"({"name":"Idempotency-Key","in":"header","required":false,"description":"the field key as a header",)"
            R"("schema":{"type":"string","maxLength":255}})");
    if (route.operation == SubscribeRequest::method)
        list.add(
            R"({"name":"Last-Event-ID","in":"header","required":false,"description":"resume after this event",)"
            R"("schema":{"type":"integer"}})");
    return list.text();
}

std::string request_body(const Route& route) {
    std::vector<FieldSchema> fields;
    for (const FieldSchema& field : route.schema.request)
        if (!is_in_path(route, field)) fields.push_back(field);
    if (!takes_body(route) || fields.empty()) return "";
    // A field may come by the query, so none is required of the body.
    for (FieldSchema& field : fields)
        field.is_required = false;
    return fmt::format(
        R"("requestBody":{{"required":false,"content":{{"application/json":{{"schema":{0}}},)"
        R"("application/x-www-form-urlencoded":{{"schema":{1}}},"multipart/form-data":{{"schema":{1}}}}}}},)",
        object_schema(fields, false, OtherProperties::refused),
        object_schema(fields, true, OtherProperties::refused));
}

std::string success(const Route& route) {
    if (route.path == "/")
        return R"("302":{"description":"see /jobs","headers":{"Location":{"schema":{"type":"string"}}}})";
    std::string schema =
        route.schema.response.empty() ? R"({"type":"string"})" : route.schema.response;
    std::string headers;
    if (route.operation == ListRequest::method)
        headers =
            R"("headers":{"Link":{"description":"the next page, rel=next","schema":{"type":"string"}}},)";
    if (route.operation == AddRequest::method)
        headers =
            R"("headers":{"Idempotent-Replayed":{"description":"true: the key had been used","schema":{"type":"string"}}},)";
    return fmt::format(R"("200":{{"description":{},{}"content":{{"{}":{{"schema":{}}}}}}})",
                       quote_json(route.summary),
                       headers,
                       route.schema.response_type,
                       schema);
}

/// Unique: the second route of an operation takes its id from the query.
std::string operation_id(const Route& route, std::set<std::string>& used) {
    std::string id(route.operation);
    if (id.empty()) {
        id = route.path == "/" ? "root" : std::string(route.path.substr(1));
        std::replace(id.begin(), id.end(), '.', '_');
    }
    if (!used.insert(id).second) id += "_by_query";
    used.insert(id);
    return id;
}

std::string operation(const Route& route, std::set<std::string>& used) {
    constexpr std::string_view errors =
        R"("4XX":{"$ref":"#/components/responses/Error"},"5XX":{"$ref":"#/components/responses/Error"})";
    bool is_probe = route.path == "/healthz" || route.path == "/readyz";
    return fmt::format(
        R"("{}":{{"operationId":{},"summary":{},{}"parameters":[{}],{}"responses":{{{},{}}}}})",
        to_lower(route.method),
        quote_json(operation_id(route, used)),
        quote_json(route.summary),
        is_probe ? R"("security":[],)" : "",
        parameters(route),
        request_body(route),
        success(route),
        errors);
}

std::string paths() {
    std::set<std::string> used;
    std::set<std::string_view> done;
    Joined all;
    for (const Route& first : routes()) {
        if (!done.insert(first.path).second) continue;
        Joined operations;
        for (const Route& route : routes())
            if (route.path == first.path) operations.add(operation(route, used));
        all.add(fmt::format("{}:{{{}}}", quote_json(first.path), operations.text()));
    }
    return all.text();
}

std::string error_words() {
    Joined words;
    for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i)
        words.add(quote_json(to_string(static_cast<ErrorCode>(i))));
    return words.text();
}

std::string components() {
    return fmt::format(
        R"({{"schemas":{{"Job":{},"Error":{{"type":"object","properties":{{"message":{{"type":"string"}}}},)"
        R"("required":["message"],"additionalProperties":false}}}},)"
        R"("responses":{{"Error":{{"description":"What was wrong, in one sentence",)"
        R"("headers":{{"X-Error-Code":{{"description":"the stable word","schema":{{"type":"string","enum":[{}]}}}},)"
        R"("Retry-After":{{"description":"seconds; with 429 and 503","schema":{{"type":"integer"}}}},)"
        R"("Allow":{{"description":"with 405","schema":{{"type":"string"}}}}}},)"
        R"("content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/Error"}}}}}}}}}},)"
        R"("securitySchemes":{{"token":{{"type":"http","scheme":"bearer"}}}}}})",
        object_schema<Job>(),
        error_words());
}

}  // namespace

std::string openapi_document() {
    return fmt::format(
        R"({{"openapi":"3.1.0","info":{{"title":"schedulerd","version":"{}",)"
        R"("description":"Runs a container image at the moment that was asked for.","license":{{"name":"MIT"}}}},)"
        R"("servers":[{{"url":"/"}}],"security":[{{}},{{"token":[]}}],"paths":{{{}}},"components":{}}})",
        SCHEDULER_VERSION,
        paths(),
        components());
}

}  // namespace scheduler
