#include "common/job_state.hpp"

#include <set>

#include <catch2/catch.hpp>

using namespace scheduler;

TEST_CASE("a job moves between states only as the diagram says", "[job_state]") {
    using enum JobStatus;
    const std::set<std::pair<JobStatus, JobStatus>> moves{
        {scheduled, running}, {scheduled, canceled}, {running, finished}, {running, scheduled}};
    for (JobStatus from : job_statuses)
        for (JobStatus to : job_statuses) {
            CAPTURE(to_string(from), to_string(to));
            CHECK(may_move(from, to) == (moves.count({from, to}) == 1));
        }
}

TEST_CASE("nothing moves out of history", "[job_state]") {
    for (JobStatus from : job_statuses)
        for (JobStatus to : job_statuses)
            if (has_ended(from)) CHECK_FALSE(may_move(from, to));
    CHECK(has_ended(JobStatus::finished));
    CHECK(has_ended(JobStatus::canceled));
    CHECK_FALSE(has_ended(JobStatus::scheduled));
    CHECK_FALSE(has_ended(JobStatus::running));
}

TEST_CASE("only did_not_run belongs to canceled", "[job_state]") {
    for (FinishStatus finish : finish_statuses)
        CHECK(status_of(finish) ==
              (finish == FinishStatus::did_not_run ? JobStatus::canceled : JobStatus::finished));
}

TEST_CASE("every state is read back as it is written", "[job_state]") {
    std::set<std::string_view> words;
    for (JobStatus status : job_statuses) {
        CHECK(parse_job_status(to_string(status)).value() == status);
        words.insert(to_string(status));
    }
    CHECK(words == std::set<std::string_view>{"scheduled", "running", "finished", "canceled"});
    words.clear();
    for (FinishStatus status : finish_statuses) {
        CHECK(parse_finish_status(to_string(status)).value() == status);
        words.insert(to_string(status));
    }
    CHECK(words == std::set<std::string_view>{
                       "success", "failed", "did_not_run", "killed", "timed_out", "lost"});
}

TEST_CASE("an unknown word is refused with those that are known", "[job_state]") {
    for (const char* word : {"", "Scheduled", "done", "cancelled", "running "}) {
        auto status = parse_job_status(word);
        REQUIRE_FALSE(status);
        CHECK(status.error().code == ErrorCode::bad_field);
        CHECK_THAT(status.error().message,
                   Catch::Matchers::Contains("scheduled, running, finished, canceled"));
    }
    CHECK_THAT(parse_finish_status("ok").error().message,
               Catch::Matchers::Contains("success, failed, did_not_run"));
}
