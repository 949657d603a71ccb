#include "daemon/http/answer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/ids.hpp"
#include "daemon/http/job_list.hpp"

namespace scheduler {

TEST_CASE("an error is one message, with its word in a header", "[http]") {
    std::string text = write_answer(error_answer({ErrorCode::bad_time, "say \"2m\""}), true);
    CHECK(text.find("HTTP/1.1 400 Bad Request\r\n") == 0);
    CHECK(text.find("Content-Type: application/json\r\n") != std::string::npos);
    CHECK(text.find("X-Error-Code: bad_time\r\n") != std::string::npos);
    CHECK(text.find("Connection: close") == std::string::npos);
    CHECK(text.find("Retry-After") == std::string::npos);
    CHECK(text.substr(text.find("\r\n\r\n") + 4) == R"({"message":"say \"2m\""})");
}

TEST_CASE("each status brings the headers that it asks for", "[http]") {
    auto text = [](ErrorCode code) { return write_answer(error_answer({code, ""}), false); };
    CHECK(text(ErrorCode::busy).find("Retry-After: ") != std::string::npos);
    CHECK(text(ErrorCode::unavailable).find("Retry-After: ") != std::string::npos);
    CHECK(text(ErrorCode::unauthorized).find("WWW-Authenticate: Bearer\r\n") != std::string::npos);
    CHECK(text(ErrorCode::internal).find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("every error code has a status with a name", "[http]") {
    for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
        std::string text = write_answer(error_answer({static_cast<ErrorCode>(i), ""}), true);
        CHECK(text.substr(12, 3) != " \r\n");
    }
}

TEST_CASE("HEAD has the length of a body that is not sent", "[http]") {
    std::string text = write_answer(json_answer("12345"), true, false);
    CHECK(text.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
}

TEST_CASE("a chunk carries its size in hex", "[http]") {
    CHECK(write_chunk("hello") == "5\r\nhello\r\n");
    CHECK(write_chunk(std::string(255, 'x')).substr(0, 4) == "ff\r\n");
}

TEST_CASE("the list of jobs has its three sections, also when they are empty", "[http]") {
    JobListWriter empty;
    empty.finish();
    CHECK(empty.take() == R"({"running":{},"scheduled":{},"history":{}})");

    auto job = [](std::uint16_t n) {
        Job made;
        made.id = JobId(make_uuid_v7(1, n, n));
        return made;
    };
    JobListWriter writer;
    writer.add(JobSection::scheduled, job(1));
    std::string text = writer.take();
    writer.add(JobSection::scheduled, job(2));
    writer.add(JobSection::history, job(3));
    writer.finish();
    text += writer.take();
    auto list = nlohmann::json::parse(text);
    CHECK(list.at("running").empty());
    CHECK(list.at("scheduled").size() == 2);
    CHECK(list.at("history").contains(job(3).id.to_string()));
}

}  // namespace scheduler
