#include "daemon/base/metrics.hpp"

#include <algorithm>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace scheduler {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Registry;

/// Seconds. A healthy start is some milliseconds late; an engine that was away, minutes or hours.
const prometheus::Histogram::BucketBoundaries lateness_buckets{
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600};

prometheus::Gauge& gauge(Registry& registry, const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& counter(Registry& registry, const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

/// References into the registry live as long as it does; looking one up by label takes its lock.
struct Metrics::Families {
    Registry registry;
    prometheus::Counter& submitted =
        counter(registry, "schedulerd_jobs_submitted_total", "Jobs that were submitted.");
    prometheus::Counter& dispatched = counter(
        registry, "schedulerd_jobs_dispatched_total", "Due jobs that were handed to the engine.");
    prometheus::Counter& socket_requests =
        counter(registry, "schedulerd_socket_requests_total", "Requests on the Unix socket.");
    prometheus::Family<prometheus::Counter>& finished = BuildCounter()
                                                            .Name("schedulerd_jobs_finished_total")
                                                            .Help("Jobs that ended, by how.")
                                                            .Register(registry);
    prometheus::Family<prometheus::Counter>& http_requests =
        BuildCounter()
            .Name("schedulerd_http_requests_total")
            .Help("HTTP requests, by the status code of the answer.")
            .Register(registry);
    prometheus::Family<prometheus::Gauge>& jobs =
        BuildGauge().Name("schedulerd_jobs").Help("Jobs in each state.").Register(registry);
    prometheus::Counter& late =
        counter(registry,
                "schedulerd_jobs_late_total",
                "Jobs that were dispatched a second or more after they were due.");
    prometheus::Counter& retried =
        counter(registry,
                "schedulerd_attempts_retried_total",
                "Attempts of jobs that ended and are followed by another one.");
    prometheus::Counter& purged =
        counter(registry, "schedulerd_jobs_purged_total", "Jobs that were removed from history.");
    prometheus::Gauge& engine_up =
        gauge(registry, "schedulerd_engine_up", "1 while the engine answers.");
    prometheus::Gauge& overdue =
        gauge(registry, "schedulerd_jobs_overdue", "Jobs that are due and not started.");
    prometheus::Gauge& overdue_seconds = gauge(
        registry, "schedulerd_overdue_seconds", "How long the first of the overdue jobs waits.");
    prometheus::Gauge& output_bytes =
        gauge(registry, "schedulerd_output_bytes", "Output that is kept of jobs that have ended.");
    prometheus::Histogram& lateness =
        BuildHistogram()
            .Name("schedulerd_dispatch_lateness_seconds")
            .Help("From when a job was due and submitted to its dispatch.")
            .Register(registry)
            .Add({}, lateness_buckets);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {
    // Present from the start, so that a rate has a zero to begin from.
    for (FinishStatus status : finish_statuses)
        families_->finished.Add({{"finish_status", std::string(to_string(status))}});
    for (JobStatus status : job_statuses)
        families_->jobs.Add({{"state", std::string(to_string(status))}});
    BuildGauge()
        .Name("schedulerd_build_info")
        .Help("The daemon's version; always 1.")
        .Register(families_->registry)
        .Add({{"version", SCHEDULER_VERSION}})
        .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::count_submitted(std::int64_t jobs) {
    families_->submitted.Increment(static_cast<double>(jobs));
}

void Metrics::count_dispatched(Duration lateness) {
    families_->dispatched.Increment();
    if (lateness >= late) families_->late.Increment();
    // A clock that was set back between claim and now must not make a negative sum.
    families_->lateness.Observe(std::max(std::chrono::duration<double>(lateness).count(), 0.0));
}

void Metrics::count_finished(FinishStatus status) {
    families_->finished.Add({{"finish_status", std::string(to_string(status))}}).Increment();
}

void Metrics::count_retried() {
    families_->retried.Increment();
}

void Metrics::count_purged(std::int64_t jobs) {
    families_->purged.Increment(static_cast<double>(jobs));
}

void Metrics::count_http_request(int status_code) {
    families_->http_requests.Add({{"code", std::to_string(status_code)}}).Increment();
}

void Metrics::count_socket_request() {
    families_->socket_requests.Increment();
}

void Metrics::set_jobs(JobStatus status, std::int64_t jobs) {
    families_->jobs.Add({{"state", std::string(to_string(status))}}).Set(static_cast<double>(jobs));
}

void Metrics::set_engine_up(bool up) {
    families_->engine_up.Set(up ? 1 : 0);
}

void Metrics::set_overdue(std::int64_t jobs, Duration oldest) {
    families_->overdue.Set(static_cast<double>(jobs));
    families_->overdue_seconds.Set(std::chrono::duration<double>(oldest).count());
}

void Metrics::set_output_bytes(std::int64_t bytes) {
    families_->output_bytes.Set(static_cast<double>(bytes));
}

std::string Metrics::text() const {
    return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace scheduler
