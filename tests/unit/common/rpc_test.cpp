#include "common/rpc.hpp"

#include <catch2/catch.hpp>

#include "common/operations.hpp"

using namespace scheduler;
using Catch::Matchers::Contains;

namespace {

RpcRefusal refusal(std::string_view line) {
    auto call = parse_call(line);
    if (call) FAIL("taken: " << line);
    return call.error();
}

}  // namespace

TEST_CASE("a call is read as a client writes it", "[rpc]") {
    auto line = encode_call(7, "add", R"({"job_name":"JOB_A","time":"2m"})");
    CHECK(line ==
          "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"add\",\"params\":{\"job_name\":\"JOB_A\","
          "\"time\":\"2m\"}}\n");
    auto call = parse_call(line);
    REQUIRE(call);
    CHECK(call->id == "7");
    CHECK(call->method == "add");
    CHECK_FALSE(call->has_jobs);
    auto request = decode_params<AddRequest>(*call);
    REQUIRE(request);
    CHECK(request->job_name == "JOB_A");
    CHECK(request->time == "2m");
}

TEST_CASE("an id comes back as it was written", "[rpc]") {
    for (const char* id : {"1", "-5", "\"abc\"", "\"\"", "\"\\u00e9\\n\"", "1.5"}) {
        CAPTURE(id);
        auto call =
            parse_call(std::string(R"({"jsonrpc":"2.0","method":"status","id":)") + id + "}");
        REQUIRE(call);
        auto again = parse_call(R"({"jsonrpc":"2.0","method":"status","id":)" + call->id + "}");
        REQUIRE(again);
        CHECK(again->id == call->id);
    }
}

TEST_CASE("a number that would come back as another one is no id", "[rpc]") {
    for (const char* id : {"9223372036854775807", "18446744073709551615", "-9223372036854775808"}) {
        auto call =
            parse_call(std::string(R"({"jsonrpc":"2.0","method":"status","id":)") + id + "}");
        REQUIRE(call);
        CHECK(call->id == id);
    }
    for (const char* id : {"99999999999999999999999", "18446744073709551616", "-1e300"}) {
        CAPTURE(id);
        auto call =
            parse_call(std::string(R"({"jsonrpc":"2.0","method":"status","id":)") + id + "}");
        REQUIRE_FALSE(call);
        CHECK(call.error().id == "null");
        CHECK_THAT(call.error().error.message, Contains("at most 64 bits"));
    }
}

TEST_CASE("params may be left out, and jobs makes a batch", "[rpc]") {
    auto status = parse_call(R"({"jsonrpc":"2.0","id":1,"method":"status"})");
    REQUIRE(status);
    CHECK_FALSE(status->params);
    CHECK(decode_params<StatusRequest>(*status));
    CHECK(decode_params<ShowRequest>(*status).error().message == "job_id is missing");
    auto batch = parse_call(
        R"({"jsonrpc":"2.0","id":1,"method":"add","params":{"jobs":[{"job_name":"a"}]}})");
    REQUIRE(batch);
    CHECK(batch->has_jobs);
    CHECK(decode_params<AddBatchRequest>(*batch)->jobs.size() == 1);
}

TEST_CASE("a line that is no JSON-RPC request is refused, with its id where there is one",
          "[rpc]") {
    auto [line, id, code] = GENERATE(table<const char*, const char*, ErrorCode>(
        {{"", "null", ErrorCode::bad_json},
         {"hello", "null", ErrorCode::bad_json},
         {"{\"id\":1", "null", ErrorCode::bad_json},
         {"\xff", "null", ErrorCode::bad_json},
         {"[]", "null", ErrorCode::bad_rpc},
         {R"([{"jsonrpc":"2.0","id":1,"method":"status"}])", "null", ErrorCode::bad_rpc},
         {"1", "null", ErrorCode::bad_rpc},
         {"{}", "null", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","method":"status"})", "null", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":null,"method":"status"})", "null", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":{},"method":"status"})", "null", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":true,"method":"status"})", "null", ErrorCode::bad_rpc},
         {R"({"id":1,"method":"status"})", "1", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"1.0","id":1,"method":"status"})", "1", ErrorCode::bad_rpc},
         {R"({"jsonrpc":2.0,"id":1,"method":"status"})", "1", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":1})", "1", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":1,"method":5})", "1", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":"x","method":"status","extra":1})", "\"x\"", ErrorCode::bad_rpc},
         {R"({"jsonrpc":"2.0","id":1,"method":"status","params":[]})", "1", ErrorCode::bad_request},
         {R"({"jsonrpc":"2.0","id":1,"method":"status","params":"x"})",
          "1",
          ErrorCode::bad_request},
         {R"({"jsonrpc":"2.0","id":1,"id":2,"method":"status"})", "null", ErrorCode::bad_json}}));
    CAPTURE(line);
    auto refused = refusal(line);
    CHECK(refused.id == id);
    CHECK(refused.error.code == code);
    CHECK_FALSE(refused.error.message.empty());
}

TEST_CASE("an id is taken up to its limit", "[rpc]") {
    auto line = [](std::size_t bytes) {
        return R"({"jsonrpc":"2.0","method":"status","id":")" + std::string(bytes, 'x') + "\"}";
    };
    CHECK(parse_call(line(RpcLimits::id_bytes)));
    CHECK_THAT(refusal(line(RpcLimits::id_bytes + 1)).error.message, Contains("256 bytes"));
}

TEST_CASE("answers are read as a server writes them", "[rpc]") {
    auto result = parse_reply(encode_result("7", R"({"message":"done"})"));
    REQUIRE(result);
    CHECK(result->kind == RpcReply::Kind::result);
    CHECK(result->content == R"({"message":"done"})");

    auto error = parse_reply(
        encode_error("\"x\"", {ErrorCode::job_not_found, "job with id \"X\" not found"}));
    REQUIRE(error);
    CHECK(error->kind == RpcReply::Kind::error);
    CHECK(error->error.code == ErrorCode::job_not_found);
    CHECK(error->error.message == "job with id \"X\" not found");
    CHECK_THAT(error->error_json,
               Contains("-32004") && Contains("\"data\":{\"code\":\"job_not_found\"}"));

    auto item = parse_reply(encode_item("7", R"({"stream":"stdout","data":"aGk="})"));
    REQUIRE(item);
    CHECK(item->kind == RpcReply::Kind::item);
    CHECK(item->content == R"({"stream":"stdout","data":"aGk="})");
}

TEST_CASE("each line that is written is one line", "[rpc]") {
    auto is_one_line = [](const std::string& text) { return text.find('\n') == text.size() - 1; };
    CHECK(is_one_line(encode_call(1, "a\nb", "{}")));
    CHECK(is_one_line(encode_result("1", "{}")));
    CHECK(is_one_line(encode_error("1", {ErrorCode::internal, "a\nb \xff"})));
    CHECK(is_one_line(encode_item("1", "{}")));
}

TEST_CASE("what is no answer is refused, and an unknown word means internal", "[rpc]") {
    for (const char* line : {"",
                             "x",
                             "[]",
                             "1",
                             "{}",
                             R"({"jsonrpc":"2.0","id":1})",
                             R"({"error":"x"})",
                             R"({"params":{}})",
                             R"({"params":[1]})"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_reply(line));
    }
    auto reply =
        parse_reply(R"({"error":{"code":-1,"message":"m","data":{"code":"of_the_future"}}})");
    REQUIRE(reply);
    CHECK(reply->error.code == ErrorCode::internal);
    CHECK(reply->error.message == "m");
    for (const char* line : {R"({"error":{}})",
                             R"({"error":{"data":1}})",
                             R"({"error":{"message":1,"data":{"code":1}}})"})
        CHECK(parse_reply(line)->error.code == ErrorCode::internal);
}
