#include "daemon/base/metrics.hpp"

#include <catch2/catch.hpp>

using namespace scheduler;
using namespace std::chrono_literals;
using Catch::Contains;

TEST_CASE("metrics that counted nothing yet are there with zero", "[base]") {
    auto text = Metrics().text();
    CHECK_THAT(text, Contains("schedulerd_jobs_submitted_total 0\n"));
    CHECK_THAT(text, Contains("schedulerd_jobs{state=\"running\"} 0\n"));
    CHECK_THAT(text, Contains("schedulerd_jobs_finished_total{finish_status=\"lost\"} 0\n"));
    CHECK_THAT(text, Contains("schedulerd_engine_up 0\n"));
    CHECK_THAT(text, Contains("schedulerd_build_info{version=\"" SCHEDULER_VERSION "\"} 1\n"));
}

TEST_CASE("metrics count what they are told", "[base]") {
    Metrics metrics;
    metrics.count_submitted(3);
    metrics.count_dispatched(20ms);
    metrics.count_dispatched(-5s);
    metrics.count_finished(FinishStatus::timed_out);
    metrics.count_http_request(404);
    metrics.count_socket_request();
    metrics.set_jobs(JobStatus::scheduled, 7);
    metrics.set_engine_up(true);

    auto text = metrics.text();
    CHECK_THAT(text, Contains("schedulerd_jobs_submitted_total 3\n"));
    CHECK_THAT(text, Contains("schedulerd_jobs_dispatched_total 2\n"));
    CHECK_THAT(text, Contains("schedulerd_dispatch_lateness_seconds_bucket{le=\"0.01\"} 1\n"));
    CHECK_THAT(text, Contains("schedulerd_dispatch_lateness_seconds_sum 0.02\n"));
    CHECK_THAT(text, Contains("schedulerd_jobs_finished_total{finish_status=\"timed_out\"} 1\n"));
    CHECK_THAT(text, Contains("schedulerd_http_requests_total{code=\"404\"} 1\n"));
    CHECK_THAT(text, Contains("schedulerd_socket_requests_total 1\n"));
    CHECK_THAT(text, Contains("schedulerd_jobs{state=\"scheduled\"} 7\n"));
    CHECK_THAT(text, Contains("schedulerd_engine_up 1\n"));
}
