/// Does one operation so often as COST_REPEATS says, in one thread and without a network, so that
/// its instructions can be counted: tests/costs/instructions.py takes the difference of two runs.
/// Each test case is one operation.

#include "common/operations.hpp"

#include <cstdlib>

#include "common/json.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/http/request_fields.hpp"
#include "daemon/http/request_parser.hpp"
#include "tests/support/service_world.hpp"

namespace scheduler::test {
namespace {

/// Jobs that are there before.
constexpr int jobs_before = 100;
constexpr int batch = 100;

int repeats() {
    const char* text = std::getenv("COST_REPEATS");
    return text == nullptr ? 1 : std::atoi(text);
}

struct CostWorld : ServiceWorld {
    CostWorld() {
        dispatcher->set_options({10'000, 10'000});
        for (int i = 0; i < jobs_before; ++i)
            add_one();
        executor.run();
    }
    /// As one line of the socket does; committed when the executor runs.
    void add_one(const char* in = "1h") {
        AddRequest request;
        request.job_name = "test/busybox:1";
        request.time = in;
        request.spec.command = {"sh", "-c", "echo hello"};
        request.spec.env = {{"A", "1"}, {"B", "two"}};
        service.handle(
            request, caller, [this](const Result<AddResponse>& added) { last = added->job.id; });
    }

    const Caller caller{"uid:1000"};
    JobId last;
};

/// As curl sends it.
std::string head_of(const std::string& line, std::size_t body_bytes) {
    return line +
           " HTTP/1.1\r\nHost: localhost:8888\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n" +
           (body_bytes == 0 ? ""
                            : "Content-Type: application/json\r\nContent-Length: " +
                                  std::to_string(body_bytes) + "\r\n") +
           "\r\n";
}

HttpRequest read_http(const std::string& head_text, const std::string& body) {
    HeadScanner scanner;
    HttpLimits limits;
    (void)scanner.scan(head_text, limits);
    auto head = parse_head(head_text, limits);
    auto target = parse_target(head->target);
    return std::move(*parse_request(std::move(*head), std::move(*target), body));
}

}  // namespace

TEST_CASE_METHOD(CostWorld, "add, in batches of 100", "[costs]") {
    for (int i = 0; i < repeats(); i += batch) {
        for (int one = 0; one < batch; ++one)
            add_one();
        executor.run();
    }
}

TEST_CASE_METHOD(CostWorld, "add, one at a time", "[costs]") {
    for (int i = 0; i < repeats(); ++i) {
        add_one();
        executor.run();
    }
}

TEST_CASE_METHOD(CostWorld, "find a job and write it down", "[costs]") {
    const ShowRequest request{JobRef{last.to_string()}};
    std::size_t bytes = 0;
    for (int i = 0; i < repeats(); ++i)
        bytes += encode(*service.handle(request, caller)).size();
    CHECK(bytes > 0);
}

TEST_CASE("read a GET over HTTP, and write its answer", "[costs]") {
    const std::string head = head_of("GET /job/0197d2c0a5b37a1e8c00112233445566", 0);
    std::size_t bytes = 0;
    for (int i = 0; i < repeats(); ++i) {
        auto request = read_http(head, "");
        bytes += write_answer(json_answer(std::string(600, 'x')), true).size();
    }
    CHECK(bytes > 0);
}

TEST_CASE("read a POST of a job over HTTP", "[costs]") {
    const std::string body =
        R"({"job_name":"alpine","time":"2m","command":["echo","a b"],"env":{"K":"V"}})";
    const std::string head = head_of("POST /job", body.size());
    for (int i = 0; i < repeats(); ++i) {
        auto request = read_request<AddRequest>(read_http(head, body));
        if (!request) FAIL(request.error().message);
    }
}

TEST_CASE_METHOD(CostWorld, "claim, run and end a job, in batches of 100", "[costs]") {
    for (int i = 0; i < repeats(); i += batch) {
        for (int one = 0; one < batch; ++one)
            add_one("1s");
        pass(1s);
        while (!engine.containers.empty()) {
            engine.end(engine.containers.begin()->first, 0);
            executor.run();
        }
        engine.calls.clear();
    }
    CHECK(store->counts()->at("success") == (repeats() + batch - 1) / batch * batch);
}

TEST_CASE_METHOD(CostWorld, "list a page of 100", "[costs]") {
    ListRequest request;
    request.limit = 100;
    std::size_t bytes = 0;
    for (int i = 0; i < repeats(); ++i)
        bytes += encode(*service.handle(request, caller)).size();
    CHECK(bytes > 0);
}

}  // namespace scheduler::test
