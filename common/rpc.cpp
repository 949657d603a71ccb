#include "common/rpc.hpp"

#include <cmath>

#include "common/json_codec.hpp"
#include "common/operations.hpp"

namespace scheduler {

/// May take a document's value, to make the parameters a document of their own.
struct RpcCodec {
    static JsonDocument document(Json json) {
        JsonDocument made;
        made.value_->json = std::move(json);
        return made;
    }
    static Json take(JsonDocument& document) { return std::move(document.value_->json); }
};

namespace {

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Numbers beyond 64 bits were read as fractions, and would not come back as they were sent.
bool is_valid_id(const Json& id) {
    constexpr double whole_max = 9007199254740992;  // 2^53
    if (id.is_string()) return id.get_ref<const std::string&>().size() <= RpcLimits::id_bytes;
    if (id.is_number_float()) return std::abs(id.get<double>()) <= whole_max;
    return id.is_number();
}

Failure<RpcRefusal> refuse(std::string id, ErrorCode code, std::string message) {
    return fail(RpcRefusal{std::move(id), Error{code, std::move(message)}});
}

/// Whether `add`, of one or several, repeats a job.
bool has_origin(const Json& params) {
    if (params.contains("from")) return true;
    auto jobs = params.find("jobs");
    return jobs != params.end() && jobs->is_array() &&
           std::any_of(jobs->begin(), jobs->end(), [](const Json& job) {
               return job.is_object() && job.contains("from");
           });
}

}  // namespace

Result<RpcCall, RpcRefusal> parse_call(std::string_view line) {
    auto document = JsonDocument::parse(line);
    if (!document) return fail(RpcRefusal{"null", document.error()});
    Json json = RpcCodec::take(*document);
    if (json.is_array())
        return refuse(
            "null", ErrorCode::bad_rpc, "batch arrays are not supported; send one request a line");
    if (!json.is_object()) return refuse("null", ErrorCode::bad_rpc, "a request is a JSON object");
    if (!json.contains("id")) return refuse("null", ErrorCode::bad_rpc, "the request has no id");
    if (!is_valid_id(json["id"]))
        return refuse("null",
                      ErrorCode::bad_rpc,
                      "id must be a number of at most 64 bits, or a string of at most 256 bytes");

    RpcCall call;
    call.id = dump(json["id"]);
    for (const auto& item : json.items())
        if (item.key() != "jsonrpc" && item.key() != "id" && item.key() != "method" &&
            item.key() != "params")
            return refuse(
                call.id,
                ErrorCode::bad_rpc,
                fmt::format(
                    "\"{}\" is no member of a request; it has jsonrpc, id, method and params",
                    item.key().substr(0, 64)));
    if (!json.contains("jsonrpc") || json["jsonrpc"] != "2.0")
        return refuse(call.id, ErrorCode::bad_rpc, "jsonrpc must be \"2.0\"");
    if (!json.contains("method") || !json["method"].is_string())
        return refuse(call.id, ErrorCode::bad_rpc, "method must be a string");
    call.method = json["method"].get<std::string>();
    if (auto params = json.find("params"); params != json.end()) {
        if (!params->is_object())
            return refuse(
                call.id, ErrorCode::bad_request, "params must be an object with named parameters");
        call.has_jobs = params->contains("jobs");
        call.has_origin = has_origin(*params);
        call.params = RpcCodec::document(std::move(*params));
    }
    return call;
}

template <class Request>
Result<Request> decode_params(const RpcCall& call) {
    static const Json no_params = Json::object();
    Request request{};
    auto result =
        codec::read_object(call.params ? call.params->value().json : no_params, request, "");
    if (!result) return fail(result.error());
    return request;
}

std::string encode_call(std::int64_t id, std::string_view method, std::string_view params) {
    return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":{},\"params\":{}}}\n",
                       id,
                       quote_json(method),
                       params);
}

std::string encode_result(std::string_view id, std::string_view result) {
    return fmt::format("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}\n", id, result);
}

std::string encode_error(std::string_view id, const Error& error) {
    return fmt::format(
        "{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{{\"code\":{},\"message\":{},\"data\":{{"
        "\"code\":\"{}\"}}}}}}\n",
        id,
        facts(error.code).rpc_code,
        quote_json(error.message),
        to_string(error.code));
}

std::string encode_item(std::string_view request_id, std::string_view item) {
    return fmt::format(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"item\",\"params\":{{\"request\":{},\"item\":{}}}}}\n",
        request_id,
        item);
}

Result<RpcReply> parse_reply(std::string_view line) {
    auto document = JsonDocument::parse(line);
    if (!document) return fail(document.error());
    const Json& json = document->value().json;
    auto bad = [] { return fail(ErrorCode::bad_rpc, "the daemon's answer is not JSON-RPC 2.0"); };
    if (!json.is_object()) return bad();
    RpcReply reply;
    if (auto result = json.find("result"); result != json.end()) {
        reply.content = dump(*result);
        return reply;
    }
    if (auto error = json.find("error"); error != json.end() && error->is_object()) {
        reply.kind = RpcReply::Kind::error;
        reply.error_json = dump(*error);
        if (auto message = error->find("message"); message != error->end() && message->is_string())
            reply.error.message = message->get<std::string>();
        static const Json::json_pointer word("/data/code");
        if (error->contains(word) && (*error)[word].is_string())
            reply.error.code = parse_error_code((*error)[word].get_ref<const std::string&>())
                                   .value_or(ErrorCode::internal);
        return reply;
    }
    static const Json::json_pointer item("/params/item");
    if (!json.contains(item)) return bad();
    reply.kind = RpcReply::Kind::item;
    reply.content = dump(json[item]);
    return reply;
}

namespace {

using AnyFunction = void (*)();

/// Never called; see json.cpp.
template <class... Requests>
std::vector<AnyFunction> addresses(TypeList<Requests...>) {
    return {reinterpret_cast<AnyFunction>(&decode_params<Requests>)...};
}
[[gnu::used]] std::vector<AnyFunction> instantiate() {
    return addresses(Operations{});
}

}  // namespace

}  // namespace scheduler
