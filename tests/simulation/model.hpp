#pragma once
/// Model: what the store must hold, kept apart from it: jobs by what clients were told and what was
/// committed since. It answers reads as the service must (lists and rows in model.cpp, events and
/// `why` in model_reads.cpp), and knows what each job may become.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/job.hpp"
#include "common/requests/add.hpp"
#include "common/requests/list.hpp"
#include "common/requests/subscribe.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/store/store.hpp"

namespace scheduler::sim {

struct ModelJob {
    JobId id;
    std::int64_t number = 0;
    AddRequest request;
    TimePoint created_at{};
    TimePoint due_at{};
    std::int64_t priority = 0;
    std::optional<Span> expires;
    std::optional<std::string> group;
    bool is_held = false;
    /// Its due time was changed, so that a walk through pages may miss it or meet it twice.
    bool has_changed_place = false;
    JobStatus status = JobStatus::scheduled;
    std::optional<Job> ended;                  ///< as it was when it ended: it never changes again
    std::vector<Attempt> tries;                ///< attempts that were followed by another one
    bool was_answered_as_new = false;          ///< to one of those who asked for it
    std::optional<SteadyPoint> kill_asked_at;  ///< the first time, answered or not
    /// Since when its end is owed: the first acknowledged wish, and the first one without grace.
    std::optional<SteadyPoint> killed_at, killed_now_at;
    std::vector<JobStatus> moves{JobStatus::scheduled};
    SteadyPoint moved_at{};
    SteadyPoint claimed_at{};
    /// The clock was set while it ran, and the daemon did not know yet that it did.
    bool was_clock_set_unseen = false;

    /// The last one that was claimed; 0 before.
    [[nodiscard]] int attempt() const {
        return static_cast<int>(std::count(moves.begin(), moves.end(), JobStatus::running));
    }
    /// From then on it is not started any more.
    [[nodiscard]] std::optional<TimePoint> expires_at() const {
        if (!expires) return std::nullopt;
        return due_from(due_at, created_at) + expires->length;
    }
    /// In lists, and among those that are due.
    [[nodiscard]] auto place() const { return std::pair(due_at, number); }
    [[nodiscard]] auto rank() const {
        return std::pair(due_at - std::chrono::minutes(priority), number);
    }
};

/// One that was set.
struct ModelGroup {
    std::optional<std::int64_t> max_running;
    GroupEdit::Pause pause;
    [[nodiscard]] bool is_paused(TimePoint now) const {
        return pause.is_paused && (!pause.until || now < *pause.until);
    }
};

/// One transition, as its event tells it.
struct Move {
    std::int64_t seq = 0;
    JobId job;
    std::optional<JobStatus> from;
    JobStatus to = JobStatus::scheduled;
};

/// What is in the way of all jobs that are due, as the parts besides the store say.
struct Surroundings {
    bool is_paused = false;
    std::string write_trouble;
    std::string engine_trouble;
    std::size_t max_running = 0;
    int starts_taken = 0;
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
    /// Also one that is purged.
    [[nodiscard]] const ModelJob* find_ever(JobId id) const;
    [[nodiscard]] const ModelJob* find_by_key(const std::optional<std::string>& key) const;
    /// Its row is gone, as it may.
    void purge(JobId id);
    /// One committed transition.
    void move(ModelJob& job, JobStatus to, const Job& row, SteadyPoint at);
    /// What a claim took, in its order: nothing that is due and has a better rank may be left,
    /// unless it may have expired by `latest`, or its group may have been paused at `earliest`.
    void check_order(const std::vector<JobId>& claimed, TimePoint earliest, TimePoint latest) const;

    /// The next committed event. Those of purged jobs are forgotten with them.
    void hear(const Move& move);
    [[nodiscard]] std::int64_t newest_event() const { return newest_event_; }
    /// That of the newest event that may not be told any more: who read less must begin anew.
    [[nodiscard]] std::int64_t purged_event() const { return purged_event_; }
    /// The event that follows `seq`, of `job` or of any; nothing: it is the last one.
    [[nodiscard]] const Move* event_after(std::int64_t seq, std::optional<JobId> job) const;
    void check_event(const Move& move, const JobEvent& event) const;
    /// What `subscribe` gives at once to who asks for what came after `seq`.
    void check_events(std::int64_t seq,
                      std::optional<JobId> job,
                      const std::vector<JobEvent>& events) const;
    /// No commit was missed: each job's events are its transitions.
    void check_heard() const;

    /// Compares a whole list, as the service gives it, with what is known: of the jobs that the
    /// request selects, those behind the job that it names as `after` (which does not run).
    void check_list(const std::vector<Job>& listed, const ListRequest& request = {}) const;
    [[nodiscard]] bool selects(const ListRequest& request, const ModelJob& job) const;
    [[nodiscard]] std::vector<const ModelJob*> list(const ListRequest& request) const;
    void check_why(const ModelJob& job,
                   const Job& row,
                   const std::string& said,
                   TimePoint now,
                   const Surroundings& around) const;
    void check_counts(const std::map<std::string, std::int64_t>& counts) const;
    void check_row(const ModelJob& job, const Job& row) const;

    [[nodiscard]] std::map<JobId, ModelJob>& jobs() { return jobs_; }
    [[nodiscard]] const std::map<JobId, ModelJob>& jobs() const { return jobs_; }
    [[nodiscard]] const std::map<JobId, ModelJob>& purged() const { return purged_; }
    [[nodiscard]] std::size_t count(JobStatus status) const;
    [[nodiscard]] std::int64_t count_running(const std::string& group) const;
    /// How many of its jobs may run.
    [[nodiscard]] std::int64_t places_of(const std::string& group, TimePoint now) const;
    [[nodiscard]] std::map<std::string, ModelGroup>& groups() { return groups_; }
    /// How many jobs ended later than this one, those purged included.
    [[nodiscard]] std::int64_t count_later_ends(const ModelJob& job) const;

  private:
    [[nodiscard]] std::string why_scheduled(const ModelJob& job,
                                            TimePoint now,
                                            const Surroundings& around) const;

    std::map<JobId, ModelJob> jobs_;
    std::map<JobId, ModelJob> purged_;
    std::map<std::string, ModelGroup> groups_;
    std::vector<Move> events_;  ///< by seq
    std::int64_t newest_event_ = 0;
    std::int64_t purged_event_ = 0;
};

}  // namespace scheduler::sim
