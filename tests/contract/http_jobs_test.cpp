/// What only HTTP has: forms, queries, paths, headers, the shape of GET /jobs, probes.

#include <set>

#include <catch2/catch.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/front_ends.hpp"

namespace scheduler::test {
namespace {

const std::string form = "application/x-www-form-urlencoded";

HttpAnswer ask(const std::string& method,
               const std::string& target,
               const HttpHeaders& headers = {},
               const std::string& body = {}) {
    return http(shared_daemon().port(), method, target, headers, body);
}

HttpAnswer get(const std::string& target, const HttpHeaders& headers = {}) {
    return ask("GET", target, headers);
}

std::string add_job(const std::string& query = "job_name=busybox&time=1h") {
    auto answer = ask("POST", "/job?" + query);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json().at("id");
}

void check_error(const HttpAnswer& answer, int status, const std::string& code) {
    INFO(answer.body);
    CHECK(answer.status == status);
    CHECK(answer.error_code() == code);
    CHECK(answer.header("content-type") == "application/json");
    auto body = answer.json();
    CHECK(body.size() == 1);
    CHECK_FALSE(body.at("message").get<std::string>().empty());
    CHECK(answer.headers.count("retry-after") == (status == 503 ? 1U : 0U));
}

std::string multipart(const std::vector<std::pair<std::string, std::string>>& parts) {
    std::string body;
    for (const auto& [name, text] : parts)
        body +=
            "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n";
    return body + "--XX--\r\n";
}

}  // namespace

TEST_CASE("GET / leads to the list", "[contract][http]") {
    auto answer = get("/");
    CHECK(answer.status == 302);
    CHECK(answer.header("location") == "/jobs");
}

TEST_CASE("a job can be posted in every form", "[contract][http]") {
    for (const auto& answer :
         {ask("POST",
              "/job",
              {{"Content-Type", "multipart/form-data; boundary=XX"}},
              multipart({{"job_name", "JOB_B"}, {"time", "2m"}})),
          ask("POST", "/job", {{"Content-Type", form}}, "job_name=JOB_B&time=2m"),
          ask("POST",
              "/job",
              {{"Content-Type", "application/json"}},
              R"({"job_name":"JOB_B","time":"2m"})"),
          ask("POST", "/job?job_name=JOB_B&time=2m"),
          ask("POST", "/job?job_name=JOB_B", {{"Content-Type", form}}, "time=2m"),
          ask("POST",
              "/job?job_name=JOB_B",
              {{"Content-Type", "application/json"}},
              R"({"time":"2m"})")}) {
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        CHECK(answer.header("content-type") == "application/json");
        CHECK(answer.message() == "job JOB_B with id " + answer.json().at("id").get<std::string>() +
                                      " will be scheduled to run in 2m");
    }
}

TEST_CASE("quotes that are sent belong to the name", "[contract][http]") {
    auto answer = ask("POST",
                      "/job",
                      {{"Content-Type", "multipart/form-data; boundary=XX"}},
                      multipart({{"job_name", "\"JOB_B\""}, {"time", "2m"}}));
    REQUIRE(answer.status == 200);
    CHECK(answer.json().at("job").at("job_name") == "\"JOB_B\"");
}

TEST_CASE("a form keeps repeated words, and refuses a field in two places", "[contract][http]") {
    auto answer = ask("POST",
                      "/job?job_name=busybox&time=1h",
                      {{"Content-Type", form}},
                      "command=echo&command=a&command=a&env=A%3D1&env=B%3Dx%3Dy");
    REQUIRE(answer.status == 200);
    auto spec = get("/job/" + answer.json().at("id").get<std::string>()).json().at("spec");
    CHECK(spec.at("command") == Json({"echo", "a", "a"}));
    CHECK(spec.at("env") == Json({{"A", "hidden"}, {"B", "hidden"}}));
    check_error(ask("POST", "/job?time=1h", {{"Content-Type", form}}, "job_name=a&time=1h"),
                400,
                "bad_field");
    check_error(ask("POST", "/job?job_name=a&time=1h&time=1h"), 400, "bad_field");
    check_error(ask("POST",
                    "/job?time=1h",
                    {{"Content-Type", "application/json"}},
                    R"({"job_name":"a","time":"1h"})"),
                400,
                "bad_field");
    check_error(ask("POST", "/job?job_name=a&time=1h&command=echo+hi"), 400, "bad_field");
    check_error(ask("POST", "/job?job_name=a&time=1h&env=A"), 400, "bad_field");
}

TEST_CASE("text that is not UTF-8, or badly escaped, is refused", "[contract][http]") {
    for (std::string query :
         {"job_name=%ff", "job_name=%", "job_name=%zz", "job_name=a%00b", "%ff=a"})
        check_error(ask("POST", "/job?time=1h&" + query), 400, "bad_request");
    CHECK(ask("POST", "/job", {{"Content-Type", form}}, "time=1h&job_name=%ff").status == 400);
    CHECK(ask("POST",
              "/job",
              {{"Content-Type", "multipart/form-data; boundary=XX"}},
              multipart({{"job_name", "\xff"}, {"time", "1h"}}))
              .status == 400);
}

TEST_CASE("a POST without body and length has an empty body", "[contract][http]") {
    check_error(ask("POST", "/job"), 400, "bad_field");
    for (std::string body : {"--XX--\r\n", "--XX--"}) {
        auto empty =
            ask("POST", "/job", {{"Content-Type", "multipart/form-data; boundary=XX"}}, body);
        check_error(empty, 400, "bad_field");
        CHECK(empty.message() == ask("POST", "/job").message());
    }
    CHECK(ask("POST", "/resume").status == 200);
}

TEST_CASE("a body of another type is 415", "[contract][http]") {
    check_error(
        ask("POST", "/job", {{"Content-Type", "text/plain"}}, "job_name=a"), 415, "bad_media_type");
    check_error(ask("POST", "/job", {}, "job_name=a"), 415, "bad_media_type");
    check_error(ask("POST", "/job", {{"Content-Type", form}, {"Content-Encoding", "gzip"}}, "x"),
                415,
                "bad_media_type");
    check_error(
        ask("POST", "/job", {{"Content-Type", "multipart/form-data"}}, "x"), 400, "bad_request");
    check_error(ask("POST",
                    "/job",
                    {{"Content-Type", "multipart/form-data; boundary=XX"}},
                    "--XX\r\nbroken"),
                400,
                "bad_request");
    check_error(ask("GET", "/jobs", {{"Content-Type", form}}, "limit=1"), 400, "bad_request");
}

TEST_CASE("Idempotency-Key makes a repeat harmless", "[contract][http]") {
    HttpHeaders key{{"Idempotency-Key", "header-key"}};
    auto first = ask("POST", "/job?job_name=busybox&time=1h", key);
    auto second = ask("POST", "/job?job_name=busybox&time=1h", key);
    REQUIRE(first.status == 200);
    REQUIRE(second.status == 200);
    CHECK(first.headers.count("idempotent-replayed") == 0);
    CHECK(second.header("idempotent-replayed") == "true");
    CHECK(second.json().at("id") == first.json().at("id"));
    auto field = ask("POST", "/job?job_name=busybox&time=1h&key=header-key");
    CHECK(field.json().at("id") == first.json().at("id"));
    check_error(ask("POST", "/job?job_name=busybox&time=2h", key), 422, "key_reused");
    check_error(ask("POST", "/job?job_name=busybox&time=1h&key=x", key), 400, "bad_field");
}

TEST_CASE("a job is named by its whole id, in the path or the query", "[contract][http]") {
    std::string id = add_job();
    CHECK(get("/job/" + id).json() == get("/job?job_id=" + id).json());
    for (const std::string& wrong : std::vector<std::string>{
             "1", "last", "x", id.substr(0, 31), "0123456789abcdef0123456789abcdef"}) {
        for (const std::string& target : {"/job/" + wrong, "/job?job_id=" + wrong}) {
            for (std::string method : {"GET", "DELETE"}) {
                auto answer = ask(method, target);
                CHECK(answer.status == 404);
                CHECK(answer.error_code() == "job_not_found");
                CHECK(answer.body == "{\"message\":\"job with id " + wrong + " not found\"}");
            }
        }
    }
    CHECK(get("/job/%22%0a%C3%A9").json() ==
          Json({{"message", "job with id \"\n\xC3\xA9 not found"}}));
    CHECK(get("/job/a%2Fb").message() == "job with id a/b not found");
    check_error(get("/job"), 400, "bad_field");
    check_error(get("/job/" + id + "?job_id=" + id), 400, "bad_field");
    check_error(ask("DELETE", "/job"), 400, "bad_field");
    CHECK(ask("DELETE", "/job?job_id=" + id).json() ==
          Json({{"message", "job " + id + " was de-scheduled"}}));
    check_error(ask("DELETE", "/job/" + id), 409, "job_in_history");
    check_error(ask("POST", "/job/" + id + "/kill"), 409, "job_in_history");
}

TEST_CASE("the list has three sections, and a removed job is in history", "[contract][http]") {
    std::string kept = add_job();
    std::string removed = add_job();
    REQUIRE(ask("DELETE", "/job/" + removed).status == 200);
    auto answer = get("/jobs");
    REQUIRE(answer.status == 200);
    auto list = answer.json();
    CHECK(list.size() == 3);
    CHECK(list.at("running").empty());
    CHECK(list.at("scheduled").at(kept).at("status") == "scheduled");
    CHECK(list.at("history").at(removed).at("finish_status") == "did_not_run");
    auto empty = get("/jobs?status=running");
    CHECK(empty.body == R"({"running":{},"scheduled":{},"history":{}})");
}

TEST_CASE("a page links to the next with the same query", "[contract][http]") {
    for (int i = 0; i < 3; ++i)
        add_job("job_name=linked&time=1h");
    std::string target = "/jobs?job_name=linked&limit=1";
    std::set<std::string> seen;
    for (int page = 0; page < 3; ++page) {
        auto answer = get(target);
        REQUIRE(answer.status == 200);
        auto lists = answer.json();
        for (const auto& item : lists.at("scheduled").items())
            seen.insert(item.key());
        std::string link = answer.header("link");
        if (page == 2) {
            CHECK(link.empty());
            break;
        }
        REQUIRE(link.find(">; rel=\"next\"") != std::string::npos);
        target = link.substr(1, link.find('>') - 1);
        CHECK(target.find("job_name=linked") != std::string::npos);
    }
    CHECK(seen.size() == 3);
}

TEST_CASE("an unknown query parameter is refused by name, on every route", "[contract][http]") {
    std::string id = add_job();
    for (const std::string& target : std::vector<std::string>{"/",
                                                              "/jobs",
                                                              "/job/" + id,
                                                              "/job/" + id + "/why",
                                                              "/job/" + id + "/logs",
                                                              "/events",
                                                              std::string("/status"),
                                                              std::string("/healthz"),
                                                              std::string("/readyz"),
                                                              std::string("/metrics"),
                                                              std::string("/openapi.json")}) {
        INFO(target);
        auto answer = get(target + "?lmit=5");
        check_error(answer, 400, "unknown_field");
        CHECK(answer.message().find("lmit") != std::string::npos);
    }
    check_error(ask("DELETE", "/job/" + id + "?force=1"), 400, "unknown_field");
    check_error(ask("POST", "/job/" + id + "/run?now=1"), 400, "unknown_field");
    check_error(get("/job/" + id + "?timeout=1s"), 400, "unknown_field");
    for (std::string query : {"?bogus=1", "?wait=1s&bogus=1"})
        CHECK(get("/job/" + id + query).message() ==
              "\"bogus\" is not a known field; known are job_id, wait");
    check_error(get("/job/nonsense?lmit=5"), 400, "unknown_field");
}

TEST_CASE("wait answers when the job has ended", "[contract][http]") {
    std::string id = add_job();
    HttpClient waiting(shared_daemon().port());
    waiting.send("GET", "/job/" + id + "?wait=60s");
    CHECK(waiting.socket().is_silent());
    REQUIRE(ask("DELETE", "/job/" + id).status == 200);
    auto answer = waiting.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.json().at("status") == "canceled");
    check_error(get("/job/" + id + "?wait=11m"), 400, "bad_field");
    check_error(get("/job/" + id + "?wait=soon"), 400, "bad_time");
    CHECK(get("/job/" + id + "?wait=soon").message().find("wait \"soon\" ") == 0);
}

TEST_CASE("a wait goes on when the client has ended its half", "[contract][http]") {
    std::string id = add_job();
    HttpClient ended(shared_daemon().port());
    ended.send("GET", "/job/" + id + "?wait=60s");
    ended.socket().end_sending();
    CHECK(ended.socket().is_silent());
    HttpClient late(shared_daemon().port());
    late.send("GET", "/job/" + id + "?wait=1s");
    late.socket().end_sending();
    auto at_the_end_of_the_wait = late.read_answer();
    CHECK(at_the_end_of_the_wait.status == 200);
    CHECK(at_the_end_of_the_wait.json().at("status") == "scheduled");
    REQUIRE(ask("DELETE", "/job/" + id).status == 200);
    auto answer = ended.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.json().at("status") == "canceled");
    CHECK(ended.socket().is_at_end());
}

TEST_CASE("clients that went away leave room for others to wait", "[contract][http]") {
    constexpr int more_than_may_wait = 4096 + 1000;
    constexpr int waits_of_one_connection = 256;
    DaemonProcess daemon;
    std::string id = http(daemon.port(), "POST", "/job?job_name=a&time=1h").json().at("id");
    std::string wait = "/job/" + id + "?wait=";
    SECTION("over HTTP") {
        for (int i = 0; i < more_than_may_wait; ++i)
            HttpClient(daemon.port()).send("GET", wait + "10m");
    }
    SECTION("over the socket") {
        for (int i = 0; i < more_than_may_wait; i += waits_of_one_connection) {
            RpcClient client(daemon.socket_path());
            for (int k = 0; k < waits_of_one_connection; ++k)
                client.send("wait", {{"job_id", id}, {"timeout", "10m"}});
        }
    }
    CHECK(eventually([&] { return http(daemon.port(), "GET", wait + "1s").status == 200; }));
}

TEST_CASE("a wrong method is 405 with what is allowed, an unknown path 404", "[contract][http]") {
    auto put = ask("PUT", "/job", {{"Content-Type", form}}, "job_name=a");
    check_error(put, 405, "method_not_allowed");
    CHECK(put.header("allow") == "POST, GET, HEAD, DELETE, OPTIONS");
    for (std::string method : {"POST", "DELETE", "PATCH", "TRACE", "PROPFIND"})
        check_error(ask(method, "/jobs"), 405, "method_not_allowed");
    check_error(get("/jobs/"), 404, "not_found");
    check_error(get("/nothing"), 404, "not_found");
    check_error(ask("BREW", "/nothing"), 404, "not_found");
    auto options = ask("OPTIONS", "/job");
    CHECK(options.status == 204);
    CHECK(options.header("allow") == "POST, GET, HEAD, DELETE, OPTIONS");
    CHECK(ask("OPTIONS", "*").status == 204);
}

TEST_CASE("HEAD is GET without its body", "[contract][http]") {
    std::string id = add_job();
    for (std::string target : {std::string("/jobs"),
                               "/job/" + id,
                               std::string("/status"),
                               std::string("/job/x"),
                               "/job/" + id + "/logs",
                               std::string("/events")}) {
        INFO(target);
        HttpClient client(shared_daemon().port());
        auto head = client.ask("HEAD", target);
        CHECK(head.status == (target == "/job/x" ? 404 : 200));
        // The next answer on the connection would begin in the middle of a body.
        CHECK(client.get("/healthz").body == R"({"message":"ok"})");
    }
}

TEST_CASE("the probes, metrics and the OpenAPI document answer", "[contract][http]") {
    CHECK(get("/healthz").json() == Json({{"message", "ok"}}));
    check_error(get("/readyz"), 503, "unavailable");
    CHECK(get("/readyz").message().find("engine") != std::string::npos);
    auto metrics = get("/metrics");
    CHECK(metrics.header("content-type").find("text/plain; version=0.0.4") == 0);
    CHECK(metrics.body.find("schedulerd_") != std::string::npos);
    auto document = get("/openapi.json");
    CHECK(document.header("content-type") == "application/json");
    CHECK(document.json().at("openapi") == "3.1.0");
}

TEST_CASE("answers are not cached, and not guessed at", "[contract][http]") {
    auto answer = get("/jobs");
    CHECK(answer.header("cache-control") == "no-store");
    CHECK(answer.header("x-content-type-options") == "nosniff");
}

TEST_CASE("a list that is larger than one picture is streamed whole", "[contract][http]") {
    DaemonProcess daemon;
    RpcClient rpc(daemon.socket_path());
    constexpr int batches = 6;
    for (int i = 0; i < batches; ++i) {
        Json jobs = Json::array();
        for (int j = 0; j < 1000; ++j)
            jobs.push_back({{"job_name", "busybox"}, {"time", "1h"}});
        REQUIRE(rpc.call("add", {{"jobs", jobs}}).contains("result"));
    }
    HttpClient client(daemon.port());
    auto answer = client.get("/jobs");
    REQUIRE(answer.status == 200);
    CHECK(answer.header("transfer-encoding") == "chunked");
    CHECK(answer.json().at("scheduled").size() == batches * 1000);
    CHECK(client.get("/healthz").status == 200);

    // HTTP/1.0 knows no chunks: the end of the connection is the end of the list.
    auto old = http_bytes(daemon.port(), "GET /jobs HTTP/1.0\r\n\r\n");
    CHECK(old.headers.count("transfer-encoding") == 0);
    CHECK(old.json().at("scheduled").size() == batches * 1000);
}

}  // namespace scheduler::test
