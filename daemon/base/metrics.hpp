#pragma once
/// Metrics counts what the daemon does, and prints it for Prometheus. Synchronised inside; any
/// thread. All names begin with `schedulerd_`. Owns its registry: nothing is global. Source:
/// Prometheus text exposition format, version 0.0.4.

#include <cstdint>
#include <memory>
#include <string>

#include "common/job_state.hpp"
#include "common/time.hpp"

namespace scheduler {

class Metrics {
  public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    void count_submitted(std::int64_t jobs = 1);
    /// Dispatched so long after it was due, a job counts as late.
    static constexpr Duration late = std::chrono::seconds(1);
    /// `lateness`: since it was due and submitted.
    void count_dispatched(Duration lateness);
    void count_finished(FinishStatus status);
    /// An attempt that is followed by another one.
    void count_retried();
    /// Jobs that were removed from history.
    void count_purged(std::int64_t jobs);
    void count_http_request(int status_code);
    void count_socket_request();

    /// How many jobs are in a state now.
    void set_jobs(JobStatus status, std::int64_t jobs);
    void set_engine_up(bool up);
    /// Jobs that are due and not started; `oldest`: how long the first of them waits.
    void set_overdue(std::int64_t jobs, Duration oldest);
    /// Stored output of ended jobs.
    void set_output_bytes(std::int64_t bytes);

    [[nodiscard]] std::string text() const;

  private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace scheduler
