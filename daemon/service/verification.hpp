#pragma once
/// Verification is one run of `verify`: short steps on the `timers` executor, each a page of rows,
/// files or containers, so that nothing waits for it and no database snapshot is held. It changes
/// nothing. What was read in two places at two moments is a suspicion, which is looked at again
/// until it is gone or the last look has confirmed it. Memory is bounded by pages, suspicions and
/// the findings that are listed. Owned by the token that `start` gives: whoever drops it ends it.
///
///   survey ─▶ tally ─▶ jobs ─▶ containers ─▶ files ─▶ (looks again) ─▶ reply
///                       │ a page at a time; looks again also when suspicions_max are waiting

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/dispatch/dispatcher.hpp"
#include "daemon/service/cross_check.hpp"
#include "daemon/service/wait_token.hpp"

namespace scheduler {

class Verification : public std::enable_shared_from_this<Verification> {
  public:
    static constexpr std::int64_t jobs_a_step = 200;
    static constexpr std::size_t files_a_step = 200;
    static constexpr std::size_t containers_a_step = 100;
    static constexpr std::size_t suspicions_max = 1000;

    /// All outlive the verification. `under_way` counts those that have not ended.
    struct Parts {
        Store& store;
        Spool& spool;
        Dispatcher& dispatcher;
        const Clock& clock;
        Executor& steps;
        std::shared_ptr<std::atomic<int>> under_way;
    };
    struct Options {
        std::optional<TimePoint> since;
        Duration late{};
        std::int64_t findings_listed = 0;
    };
    [[nodiscard]] static WaitToken start(Parts parts, Options options, Reply<VerifyResponse> reply);
    ~Verification();
    Verification(const Verification&) = delete;
    Verification& operator=(const Verification&) = delete;

  private:
    enum class Phase { jobs, containers, files, done };
    /// What is to be looked at again.
    struct Suspect {
        enum class What { container, running, overdue, file, output };
        What what;
        JobId job;
        std::string place;  ///< the container's id, the file's path
        Finding finding;
        TimePoint due_at{};            ///< of an overdue job
        bool waits_its_turn = false;   ///< the same: others go first, or nothing is free
        bool was_passed_over = false;  ///< the same: one that is due later was claimed instead
    };

    Verification(Parts parts, Options options, Reply<VerifyResponse> reply);
    void next();
    void survey_then(void (Verification::*then)());
    void begin();
    void note_engine_trouble();
    void step();
    void end_phase();

    void check_jobs();
    void check_job(const JobRecord& record);
    [[nodiscard]] std::optional<Finding> check_output(const JobRecord& record) const;
    void check_punctuality(const JobRecord& record);
    void check_counters();
    void check_containers();
    void check_files();

    Result<std::vector<JobRecord>> next_jobs();
    Result<std::vector<JobRecord>> next_listed_jobs();

    void look_again();
    void look_at_suspects();
    Result<std::optional<Finding>> look_at(const Suspect& suspect) const;
    [[nodiscard]] std::optional<Finding> look_at_overdue(const JobRecord& record,
                                                         bool waits_its_turn) const;
    [[nodiscard]] bool has_group_room(const std::string& name) const;
    [[nodiscard]] bool waits_its_turn(const Job& job) const;
    void note_turn(Suspect& suspect) const;

    void suspect(Suspect::What what, const JobId& job, std::string place, Finding finding);
    void report(Finding finding);
    void not_checked(std::string why);
    void give_up(const Error& error);
    void finish();
    [[nodiscard]] std::int64_t found() const;

    const Parts parts_;
    const Options options_;
    Reply<VerifyResponse> reply_;
    CrossCheck cross_check_;
    Survey survey_;
    std::uint64_t claims_before_ = 0;  ///< at the survey before the last one
    std::uint64_t claims_now_ = 0;
    Tally tally_;
    /// A backup has no output in it: what ended before is not missed.
    std::optional<TimePoint> restored_at_;
    std::map<std::string, std::int64_t> counted_;
    VerifyResponse response_;
    Phase phase_ = Phase::jobs;
    std::int64_t last_number_ = 0;
    std::vector<JobStatus> sections_;  ///< of lists, still to be read; with `since` alone
    std::optional<ListPosition> place_;
    std::vector<ContainerSummary> containers_;  ///< of the first survey
    std::size_t next_container_ = 0;
    bool is_engine_trouble_noted_ = false;
    SpoolScan scan_;
    std::vector<Suspect> suspects_;
    std::size_t looks_ = 0;
};

}  // namespace scheduler
