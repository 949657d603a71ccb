/// What a job's record must be like, by records that are not so.

#include "daemon/service/audit.hpp"

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

using namespace std::chrono_literals;

const TimePoint noon = TimePoint(std::chrono::sys_days(std::chrono::year(2027) / 6 / 20) + 12h);

Transition move(std::int64_t seq, std::optional<JobStatus> from, JobStatus to, TimePoint at) {
    return {seq, at, from, to, std::nullopt};
}

Attempt attempt(std::int64_t number, FinishStatus end, std::int64_t exit_code) {
    Attempt made;
    made.attempt = number;
    made.finish_status = end;
    made.started_at = Instant{noon};
    made.finished_at.at = noon + 1s;
    made.exit_code = exit_code;
    return made;
}

JobRecord scheduled_job() {
    JobRecord record;
    record.job.number = 42;
    record.job.job_name = "alpine";
    record.job.created_at.at = noon - 1h;
    record.job.due_at.at = noon;
    record.transitions = {move(10, std::nullopt, JobStatus::scheduled, noon - 1h)};
    return record;
}

JobRecord running_job(Duration lateness = 0s) {
    JobRecord record = scheduled_job();
    record.job.status = JobStatus::running;
    record.job.attempt = 1;
    record.claimed_at = noon + lateness;
    record.engine_id = "engine";
    record.transitions.push_back(
        move(20, JobStatus::scheduled, JobStatus::running, noon + lateness));
    return record;
}

JobRecord finished_job() {
    JobRecord record = running_job();
    record.job.status = JobStatus::finished;
    record.job.finish_status = FinishStatus::success;
    record.job.started_at = Instant{noon};
    record.job.finished_at = Instant{noon + 1s};
    record.job.exit_code = 0;
    record.transitions.push_back(move(30, JobStatus::running, JobStatus::finished, noon + 1s));
    record.attempts = {attempt(1, FinishStatus::success, 0)};
    return record;
}

std::string first_of(const JobRecord& record) {
    auto findings = audit(record);
    return findings.empty() ? "" : findings.front().kind + ": " + findings.front().message;
}

TEST_CASE("a record that is as it should be has no finding", "[service][verify]") {
    CHECK(first_of(scheduled_job()).empty());
    CHECK(first_of(running_job()).empty());
    CHECK(first_of(finished_job()).empty());

    JobRecord retried = running_job();
    retried.job.attempt = 2;
    retried.transitions.push_back(move(30, JobStatus::running, JobStatus::scheduled, noon + 1s));
    retried.transitions.push_back(move(40, JobStatus::scheduled, JobStatus::running, noon + 9s));
    retried.attempts = {attempt(1, FinishStatus::failed, 1)};
    CHECK(first_of(retried).empty());

    JobRecord without_its_oldest_events = finished_job();
    without_its_oldest_events.transitions.erase(without_its_oldest_events.transitions.begin(),
                                                without_its_oldest_events.transitions.begin() + 2);
    CHECK(first_of(without_its_oldest_events).empty());
}

TEST_CASE("what was claimed twice is doubled", "[service][verify]") {
    SECTION("two claims for one attempt") {
        JobRecord record = running_job();
        record.transitions.push_back(move(21, JobStatus::running, JobStatus::scheduled, noon + 1s));
        record.transitions.push_back(move(22, JobStatus::scheduled, JobStatus::running, noon + 2s));
        CHECK(first_of(record) == "doubled: job 42 (alpine) was claimed 2 times for 1 attempts");
    }
    SECTION("an outcome too many") {
        JobRecord record = finished_job();
        record.attempts.push_back(attempt(2, FinishStatus::success, 0));
        CHECK(first_of(record) ==
              "doubled: job 42 (alpine) has outcomes of 2 attempts, and finished 1");
    }
    SECTION("an outcome of an attempt that runs") {
        JobRecord record = running_job();
        record.attempts.push_back(attempt(1, FinishStatus::success, 0));
        CHECK(first_of(record) ==
              "doubled: job 42 (alpine) has outcomes of 1 attempts, and finished 0");
    }
}

TEST_CASE("records that disagree are inconsistent", "[service][verify]") {
    JobRecord record = finished_job();
    SECTION("the last event says something else") {
        record.transitions.pop_back();
        CHECK(first_of(record) ==
              "inconsistent: job 42 (alpine) is finished, but its last event says running");
    }
    SECTION("a gap in the events") {
        record.transitions.erase(record.transitions.begin() + 1);
        CHECK(first_of(record).find("events with a gap") != std::string::npos);
    }
    SECTION("a move that there is not") {
        record.transitions = {move(1, std::nullopt, JobStatus::scheduled, noon),
                              move(2, JobStatus::scheduled, JobStatus::finished, noon)};
        CHECK(first_of(record).find("from scheduled to finished, which is no such move") !=
              std::string::npos);
    }
    SECTION("no event at all") {
        record.transitions.clear();
        CHECK(first_of(record) == "inconsistent: job 42 (alpine) has no event");
    }
    SECTION("success without exit 0") {
        record.job.exit_code = 1;
        CHECK(first_of(record).find("is called success") != std::string::npos);
    }
    SECTION("success that never started") {
        record.job.started_at.reset();
        CHECK(first_of(record).find("is called success") != std::string::npos);
    }
    SECTION("an end of another kind") {
        record.job.finish_status = FinishStatus::did_not_run;
        CHECK(first_of(record).find("is finished, but ended as did_not_run") != std::string::npos);
    }
    SECTION("no end") {
        record.job.finished_at.reset();
        CHECK(first_of(record).find("has no outcome or no end") != std::string::npos);
    }
    SECTION("no claim") {
        record.claimed_at.reset();
        CHECK(first_of(record).find("no claim of it is recorded") != std::string::npos);
    }
    SECTION("an outcome is missing") {
        record.attempts.clear();
        CHECK(first_of(record) ==
              "inconsistent: job 42 (alpine) finished 1 attempts, and has outcomes of 0");
    }
    SECTION("a row that can't be read") {
        record.damage = "a row is damaged: what";
        CHECK(audit(record).size() == 1);
        CHECK(first_of(record) ==
              "inconsistent: job 42 (alpine) can't be read: a row is damaged: what");
    }
}

TEST_CASE("a claim is early, punctual or late by the due time", "[service][verify]") {
    const TimePoint now = noon + 24h;
    CHECK(punctuality(running_job(-1ms), now, 1min) == Punctuality::early);
    CHECK(unpunctual(running_job(-30s), Punctuality::early, now).message ==
          "job 42 (alpine) was claimed 30s before it was due");
    CHECK(punctuality(running_job(0ms), now, 1min) == Punctuality::punctual);
    CHECK(punctuality(running_job(1min), now, 1min) == Punctuality::punctual);
    CHECK(punctuality(running_job(1min + 1ms), now, 1min) == Punctuality::late);

    JobRecord explained = running_job(2h);
    explained.transitions.back().reason = "paused";
    CHECK(punctuality(explained, now, 1min) == Punctuality::late_for_a_reason);
}

TEST_CASE("a date in the past is due from its submission on", "[service][verify]") {
    JobRecord record = running_job(1s);
    record.job.due_at.at = noon - 48h;
    record.job.created_at.at = noon;
    CHECK(punctuality(record, noon + 24h, 1min) == Punctuality::punctual);
}

TEST_CASE("what waits is overdue after the bound, what was taken back never", "[service][verify]") {
    JobRecord record = scheduled_job();
    CHECK(punctuality(record, noon + 1min, 1min) == Punctuality::punctual);
    CHECK(punctuality(record, noon + 1min + 1ms, 1min) == Punctuality::overdue);
    record.job.status = JobStatus::canceled;
    CHECK(punctuality(record, noon + 24h, 1min) == Punctuality::punctual);
}

TEST_CASE("a record tells how it was counted at an event", "[service][verify]") {
    JobRecord record = finished_job();
    CHECK(counted_at(record, 9) == std::nullopt);
    CHECK(counted_at(record, 10) == "scheduled");
    CHECK(counted_at(record, 20) == "running");
    CHECK(counted_at(record, 30) == "success");
    record.transitions.erase(record.transitions.begin());
    CHECK(counted_at(record, 10) == "scheduled");
    record.transitions.clear();
    CHECK(counted_at(record, 10) == "success");
}

}  // namespace
}  // namespace scheduler
