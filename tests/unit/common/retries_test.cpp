#include "common/retries.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/job_spec.hpp"
#include "common/json.hpp"
#include "common/requests/add.hpp"

using namespace scheduler;
using namespace std::chrono_literals;

namespace {

Retries retries(std::int64_t max, Duration delay = 10s) {
    Retries made;
    made.max = max;
    made.delay = Span{delay};
    return made;
}

std::string refusal_of(const Retries& retries) {
    auto checked = check_retries(retries);
    return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("what is tried again is read as it is written", "[retries]") {
    const std::string text =
        R"({"retries":{"max":3,"delay":"5s","backoff":"exponential","max_delay":"1m","on":["lost"]}})";
    auto spec = decode<JobSpec>(text);
    REQUIRE(spec);
    CHECK(spec->retries->max == 3);
    CHECK(spec->retries->delay->length == 5s);
    CHECK(spec->retries->backoff == Backoff::exponential);
    CHECK(spec->retries->max_delay->length == 60s);
    CHECK(spec->retries->on == std::vector{FinishStatus::lost});
    CHECK(encode(*spec) == text);
    CHECK(spec->retries->to_words() == "3, 5s apart and doubled up to 1m, on lost");
}

TEST_CASE("a typo in what is tried again is refused by its name", "[retries]") {
    auto [text, message] = GENERATE(table<const char*, const char*>(
        {{R"({"maxx":3})", "\"retries.maxx\" is not a known field"},
         {"{}", "retries.max is missing"},
         {"3", "retries must be an object, not number"},
         {R"({"max":1,"delay":"x"})", "retries.delay \"x\""},
         {R"({"max":1,"backoff":"linear"})",
          "retries.backoff \"linear\" is not one of fixed, exponential"},
         {R"({"max":1,"on":["never"]})", "retries.on[0] \"never\""}}));
    CAPTURE(text);
    auto read =
        decode<AddRequest>(fmt::format(R"({{"job_name":"JOB_A","time":"1s","retries":{}}})", text));
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find(message) == 0);
}

TEST_CASE("limits of what is tried again hold at their ends", "[retries]") {
    CHECK(refusal_of(retries(0)).empty());
    CHECK(refusal_of(retries(100)).empty());
    CHECK(refusal_of(retries(-1)) == "retries.max -1 is not from 0 to 100");
    CHECK(refusal_of(retries(101)) == "retries.max 101 is not from 0 to 100");
    CHECK(refusal_of(retries(1, 1s)).empty());
    CHECK(refusal_of(retries(1, 0s)) == "retries.delay 0s is too short; it must be at least 1s");
    Retries growing = retries(1, 1min);
    growing.max_delay = Span{1min};
    CHECK(refusal_of(growing) ==
          "retries.max_delay is for exponential waits; add backoff exponential, or leave it out");
    growing.backoff = Backoff::exponential;
    CHECK(refusal_of(growing).empty());
    growing.max_delay = Span{59s};
    CHECK(refusal_of(growing) == "retries.max_delay 59s is shorter than the delay of 1m");
    Retries killed = retries(1);
    killed.on = {FinishStatus::killed};
    CHECK(refusal_of(killed) ==
          "retries.on \"killed\" can't be tried again; it takes failed, timed_out, lost");
}

TEST_CASE("the wait before an attempt is fixed, or doubles up to its limit", "[retries]") {
    Retries fixed = retries(3);
    for (int attempt : {1, 2, 3})
        CHECK(fixed.wait_after(attempt, FinishStatus::failed) == 10s);
    CHECK_FALSE(fixed.wait_after(4, FinishStatus::failed));

    Retries growing = retries(100, 10s);
    growing.backoff = Backoff::exponential;
    growing.max_delay = Span{60s};
    CHECK(growing.wait_after(1, FinishStatus::failed) == 10s);
    CHECK(growing.wait_after(2, FinishStatus::failed) == 20s);
    CHECK(growing.wait_after(3, FinishStatus::failed) == 40s);
    CHECK(growing.wait_after(4, FinishStatus::failed) == 60s);
    CHECK(growing.wait_after(100, FinishStatus::failed) == 60s);
    growing.max_delay.reset();
    CHECK(growing.wait_after(100, FinishStatus::failed) == 1h);
    growing.delay = Span{duration_max};
    CHECK(growing.wait_after(100, FinishStatus::failed) == duration_max);
    fixed.delay.reset();
    CHECK(fixed.wait_after(1, FinishStatus::failed) == 10s);
}

TEST_CASE("what may have run is tried again only where that was asked for", "[retries]") {
    Retries common = retries(1);
    CHECK(common.covers(FinishStatus::failed));
    CHECK(common.covers(FinishStatus::timed_out));
    for (FinishStatus end : {FinishStatus::lost, FinishStatus::success, FinishStatus::killed})
        CHECK_FALSE(common.covers(end));
    common.on = {FinishStatus::lost};
    CHECK(common.covers(FinishStatus::lost));
    CHECK_FALSE(common.covers(FinishStatus::failed));
}
