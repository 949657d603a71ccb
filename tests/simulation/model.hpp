#pragma once
/// Model: what the store must hold, kept apart from it: jobs by what clients were told and what was
/// committed since. It answers reads as the service must, and knows what each job may become.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/requests/add.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/store/store.hpp"

namespace scheduler::sim {

struct ModelJob {
    JobId id;
    std::int64_t number = 0;
    AddRequest request;
    TimePoint created_at{};
    TimePoint due_at{};
    JobStatus status = JobStatus::scheduled;
    std::optional<Job> ended;  ///< as it was when it ended: it never changes again
    bool is_acknowledged = false;
    bool is_kill_wanted = false;
    std::vector<JobStatus> moves{JobStatus::scheduled};
    SteadyPoint moved_at{};

    [[nodiscard]] auto place() const { return std::pair(due_at, number); }
};

/// A violation of what the program promises.
struct Violation {
    std::string what;
};
[[noreturn]] void violate(std::string what);

class Model {
  public:
    /// A new row. Throws Violation when it is not what was asked for.
    ModelJob& add(const Job& row, const AddRequest& request);
    ModelJob* find(JobId id);
    /// Its row is gone, as it may.
    void purge(JobId id);
    /// One committed transition.
    void move(ModelJob& job, JobStatus to, const Job& row, SteadyPoint at);
    /// What a claim took, in its order: nothing that was due before may be left.
    void check_order(const std::vector<JobId>& claimed) const;

    /// Compares a whole list, as the service gives it, with what is known.
    void check_list(const std::vector<Job>& listed) const;
    void check_counts(const std::map<std::string, std::int64_t>& counts) const;
    void check_row(const ModelJob& job, const Job& row) const;

    [[nodiscard]] std::map<JobId, ModelJob>& jobs() { return jobs_; }
    [[nodiscard]] const std::map<JobId, ModelJob>& jobs() const { return jobs_; }
    [[nodiscard]] const std::map<JobId, ModelJob>& purged() const { return purged_; }
    [[nodiscard]] std::size_t count(JobStatus status) const;
    /// How many jobs ended later than this one, those purged included.
    [[nodiscard]] std::int64_t count_later_ends(const ModelJob& job) const;

  private:
    std::map<JobId, ModelJob> jobs_;
    std::map<JobId, ModelJob> purged_;
};

}  // namespace scheduler::sim
