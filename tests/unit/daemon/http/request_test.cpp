#include <catch2/catch.hpp>

#include "common/operations.hpp"
#include "daemon/http/request_fields.hpp"
#include "daemon/http/request_parser.hpp"

namespace scheduler {
namespace {

HttpRequest make(const std::string& target,
                 const std::string& type = "",
                 const std::string& body = "",
                 std::vector<Header> headers = {}) {
    RequestHead head;
    head.method = "POST";
    head.headers = std::move(headers);
    head.headers.push_back({"content-length", std::to_string(body.size())});
    if (!type.empty()) head.headers.push_back({"content-type", type});
    auto request = parse_request(std::move(head), *parse_target(target), body);
    REQUIRE(request);
    return std::move(*request);
}

Result<AddRequest> add(const std::string& target,
                       const std::string& type = "",
                       const std::string& body = "",
                       std::vector<Header> headers = {}) {
    return read_request<AddRequest>(make(target, type, body, std::move(headers)));
}

const std::string form = "application/x-www-form-urlencoded";
const std::string json = "application/json";

std::string multipart(const std::vector<std::pair<std::string, std::string>>& parts) {
    std::string body;
    for (const auto& [name, text] : parts)
        body +=
            "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n";
    return body + "--XX--\r\n";
}

}  // namespace

TEST_CASE("the same fields come from query, form, multipart and JSON", "[http]") {
    auto parts = multipart({{"job_name", "JOB_B"},
                            {"time", "2m"},
                            {"command", "echo"},
                            {"command", "a b"},
                            {"env", "K=V=W"}});
    for (const auto& request :
         {add("/job?job_name=JOB_B&time=2m&command=echo&command=a+b&env=K%3DV%3DW"),
          add("/job", form, "job_name=JOB_B&time=2m&command=echo&command=a+b&env=K%3DV%3DW"),
          add("/job", "multipart/form-data; boundary=XX", parts),
          add("/job",
              "Application/JSON; charset=utf-8",
              R"({"job_name":"JOB_B","time":"2m","command":["echo","a b"],"env":{"K":"V=W"}})"),
          add("/job?time=2m&command=echo&command=a+b", form, "job_name=JOB_B&env=K%3DV%3DW"),
          add("/job?time=2m&env=K%3DV%3DW",
              json,
              R"({"job_name":"JOB_B","command":["echo","a b"]})")}) {
        INFO((request ? "" : request.error().message));
        REQUIRE(request);
        CHECK(request->job_name == "JOB_B");
        CHECK(request->time == "2m");
        CHECK(request->spec.command == std::vector<std::string>{"echo", "a b"});
        CHECK(request->spec.env == std::map<std::string, std::string>{{"K", "V=W"}});
    }
}

TEST_CASE("quotes that a client sends are part of the name", "[http]") {
    auto request = add("/job",
                       "multipart/form-data; boundary=XX",
                       multipart({{"job_name", "\"JOB_B\""}, {"time", "2m"}}));
    REQUIRE(request);
    CHECK(request->job_name == "\"JOB_B\"");
}

TEST_CASE("a field given in two places is refused by name", "[http]") {
    for (const auto& request : {add("/job?time=2m&time=3m", form, "job_name=a"),
                                add("/job?time=2m", form, "job_name=a&time=2m"),
                                add("/job?time=2m", json, R"({"job_name":"a","time":"2m"})"),
                                add("/job?time=2m",
                                    "multipart/form-data; boundary=XX",
                                    multipart({{"job_name", "a"}, {"time", "2m"}})),
                                add("/job", form, "job_name=a&time=2m&time=2m")}) {
        REQUIRE_FALSE(request);
        CHECK(request.error().code == ErrorCode::bad_field);
        CHECK(request.error().message.find("time is given twice") != std::string::npos);
    }
}

TEST_CASE("the idempotency key comes as header or field, once", "[http]") {
    CHECK(add("/job?job_name=a&time=1m", "", "", {{"idempotency-key", "K%20 1"}})->key == "K%20 1");
    CHECK(add("/job", json, R"({"job_name":"a","time":"1m"})", {{"idempotency-key", "K"}})->key ==
          "K");
    CHECK(add("/job", json, R"({"job_name":"a","time":"1m","key":"K"})")->key == "K");
    CHECK_FALSE(
        add("/job", json, R"({"job_name":"a","time":"1m","key":"K"})", {{"idempotency-key", "K"}}));
    CHECK_FALSE(add("/job", form, "job_name=a&time=1m&key=K", {{"idempotency-key", "K"}}));
    CHECK_FALSE(add("/job?key=K&job_name=a&time=1m", "", "", {{"idempotency-key", "K"}}));
    CHECK_FALSE(add(
        "/job?job_name=a&time=1m", "", "", {{"idempotency-key", "K"}, {"idempotency-key", "K"}}));
}

TEST_CASE("a body of another type is refused, an empty one is not looked at", "[http]") {
    for (std::string type : {"", "text/plain", "application/xml", "application/jsonp"}) {
        auto request = add("/job?time=2m", type, "job_name=a");
        REQUIRE_FALSE(request);
        CHECK(request.error().code == ErrorCode::bad_media_type);
    }
    CHECK(add("/job?job_name=a&time=2m", "text/plain"));
    CHECK(add("/job?job_name=a&time=2m", json));
}

TEST_CASE("JSON that was sent as a form is recognised", "[http]") {
    auto request = add("/job", form, R"({"job_name":"a","time":"2m"})");
    REQUIRE_FALSE(request);
    CHECK(request.error().message.find("Content-Type: application/json") != std::string::npos);
}

TEST_CASE("bad JSON and unknown fields are named, also beside a query", "[http]") {
    CHECK(add("/job?time=2m", json, "{").error().code == ErrorCode::bad_json);
    CHECK(add("/job?time=2m", json, "[]").error().code == ErrorCode::bad_field);
    CHECK(add("/job?time=2m", json, R"({"job_name":"a","job_name":"b"})").error().code ==
          ErrorCode::bad_json);
    CHECK(add("/job?tiem=2m", json, R"({"job_name":"a"})").error().code ==
          ErrorCode::unknown_field);
    CHECK(add("/job?tiem=2m&job_name=a").error().code == ErrorCode::unknown_field);
    CHECK(add("/job?dry_run=maybe", json, R"({"job_name":"a"})").error().code ==
          ErrorCode::bad_field);
    CHECK(add("/job?dry_run=1&time=1s", json, R"( { "job_name" : "a" } )")->dry_run);
    CHECK(add("/job?job_name=a&time=1s", json, " { } ")->job_name == "a");
}

TEST_CASE("HTTP takes whole ids only", "[http]") {
    for (std::string id : {"1",
                           "last",
                           "0123",
                           "0123456789ABCDEF0123456789ABCDEF",
                           "0123456789abcdef0123456789abcdef0"}) {
        auto request = read_request<ShowRequest>(make("/job?job_id=" + id));
        REQUIRE_FALSE(request);
        CHECK(request.error().code == ErrorCode::job_not_found);
        CHECK(request.error().message == "job with id " + id + " not found");
    }
    CHECK(read_request<ShowRequest>(make("/job?job_id=0123456789abcdef0123456789abcdef")));
    CHECK(read_request<KillRequest>(make("/", json, R"({"job_id":"12"})")).error().code ==
          ErrorCode::job_not_found);
}

TEST_CASE("a urlencoded body may be larger than the library takes", "[http]") {
    auto request = add("/job", form, "job_name=a&time=1s&env=K%3D" + std::string(100'000, 'v'));
    REQUIRE(request);
    CHECK(request->spec.env.at("K").size() == 100'000);
}

namespace {

Result<HttpRequest> parse_multipart_request(const std::string& type, const std::string& body) {
    RequestHead head;
    head.method = "POST";
    head.headers = {{"content-length", std::to_string(body.size())}, {"content-type", type}};
    return parse_request(std::move(head), *parse_target("/job"), body);
}

std::string one_part(const std::string& headers) {
    return "--XX\r\n" + headers + "\r\n\r\nJOB_B\r\n--XX--\r\n";
}

}  // namespace

TEST_CASE("a multipart form is read however its headers are written", "[http]") {
    const std::string body = multipart({{"job_name", "JOB_B"}, {"time", "2m"}});
    for (std::string type : {"multipart/form-data; boundary=XX; charset=utf-8",
                             "multipart/form-data; charset=utf-8;boundary=XX",
                             "multipart/form-data; Boundary=XX",
                             "multipart/form-data ;\tBOUNDARY=\"XX\"",
                             "Multipart/Form-Data; boundary=XX",
                             "multipart/form-data; boundary=\"X\\X\";"}) {
        INFO(type);
        auto request = parse_multipart_request(type, body);
        INFO((request ? "" : request.error().message));
        REQUIRE(request);
        CHECK(request->parts == FormFields{{"job_name", "JOB_B"}, {"time", "2m"}});
    }
    for (std::string headers :
         {"Content-Disposition: form-data; name=job_name",
          "content-disposition: FORM-DATA; NAME=\"job_name\"",
          "Content-Disposition:form-data;name=\"job_name\";filename=\"a;b\\\"c.txt\"",
          "Content-Type: text/plain\r\nContent-Disposition: form-data; filename=x; name=job_name",
          "Content-Disposition: form-data; name=\"job\\_name\"\r\nContent-Transfer-Encoding: "
          "8bit"}) {
        INFO(headers);
        auto request =
            parse_multipart_request("multipart/form-data; boundary=XX", one_part(headers));
        INFO((request ? "" : request.error().message));
        REQUIRE(request);
        CHECK(request->parts == FormFields{{"job_name", "JOB_B"}});
    }
}

TEST_CASE("the content of a part is kept to the byte", "[http]") {
    for (std::string content :
         {"", "\r\n", "\r\n\r\n", "a--XX", "\r\n--XXL", "a\r\n--X", "a--XX--", " "}) {
        INFO(content);
        auto request = parse_multipart_request(
            "multipart/form-data; boundary=XX",
            "preamble\r\n" + multipart({{"a", content}, {"b", ""}}) + "epilogue");
        REQUIRE(request);
        CHECK(request->parts == FormFields{{"a", content}, {"b", ""}});
    }
}

TEST_CASE("an empty multipart body is an empty form", "[http]") {
    for (std::string body : {"", "--XX--", "--XX--\r\n"}) {
        auto request = parse_multipart_request("multipart/form-data; boundary=XX", body);
        REQUIRE(request);
        CHECK(request->parts.empty());
    }
    auto request = parse_multipart_request("multipart/form-data", "");
    REQUIRE(request);
    CHECK(read_request<AddRequest>(*request).error().message == "job_name is missing");
}

TEST_CASE("a multipart body that is no such thing is refused in words that fit", "[http]") {
    const std::string type = "multipart/form-data; boundary=XX";
    const std::string body = multipart({{"job_name", "a"}});
    const std::string long_boundary(71, 'x');
    for (const auto& [given_type, given_body, words] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"multipart/form-data", body, "names no boundary"},
             {"multipart/form-data; boundary=", body, "names no boundary"},
             {"multipart/form-data; boundary", body, "\"boundary\" is not NAME=VALUE"},
             {"multipart/form-data; boundary=\"XX", body, "does not end"},
             {"multipart/form-data; boundary=\"XX\"Y", body, "follows the quoted value"},
             {"multipart/form-data; boundary=XX; boundary=XX", body, "boundary is given twice"},
             {"multipart/form-data; boundary=YY", body, "has no line \"--YY\""},
             {"multipart/form-data; boundary=" + long_boundary, body, "longer than 70"},
             {type, body.substr(0, body.size() - 6), "ends before its last line \"--XX--\""},
             {type, "--XX\r\nContent-Disposition: form-data; name=a", "without the empty line"},
             {type, one_part("Content-Type: text/plain"), "a part without a name"},
             {type, one_part("Content-Disposition: form-data; name=\"\""), "a part without a name"},
             {type, one_part("Content-Disposition: attachment; name=a"), "a part without a name"},
             {type, one_part("Content-Disposition: form-data; name"), "\"name\" is not NAME=VALUE"},
             {type, one_part("no header"), "\"no header\" is not NAME: VALUE"},
             {type,
              one_part(
                  "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"),
              "Content-Transfer-Encoding base64"}}) {
        INFO(given_type << '\n' << given_body);
        auto request = parse_multipart_request(given_type, given_body);
        REQUIRE_FALSE(request);
        CHECK(request.error().code == ErrorCode::bad_request);
        INFO(request.error().message);
        CHECK(request.error().message.find(words) != std::string::npos);
    }
    // A boundary of 70 characters is the longest.
    const std::string longest(70, 'x');
    CHECK(
        parse_multipart_request("multipart/form-data; boundary=" + longest, "--" + longest + "--"));
}

}  // namespace scheduler
