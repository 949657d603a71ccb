#pragma once
/// Reconciler compares the engine's containers of our instance with the rows: at start-up, after
/// each break of the event stream, and on a slow timer. Lives on the core. Events are hints; this
/// is the net.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "daemon/base/anchor.hpp"
#include "daemon/engine/engine.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class Reconciler {
  public:
    /// Whose container a run takes care of.
    using IsOurs = std::function<bool(JobId, std::int64_t attempt)>;

    /// `on_left`: a container whose row has ended is there, and someone has to look again.
    Reconciler(Engine& engine, Store& store, std::string instance, std::function<void()> on_left)
        : engine_(engine),
          store_(store),
          instance_(std::move(instance)),
          on_left_(std::move(on_left)) {}

    /// Lists, cleans up containers whose row has ended, reports those without a row (and leaves
    /// them), and replies with the ids of the containers that run.
    void run(IsOurs is_ours, EngineReply<std::unordered_set<std::string>> reply);
    /// The same, and replies when what was left over is gone: how many containers that were.
    /// Errors: what the engine refused to remove stays, and is its own message.
    void sweep(IsOurs is_ours, EngineReply<std::int64_t> reply);
    /// How many containers a sweep would remove.
    void count_left_over(IsOurs is_ours, EngineReply<std::int64_t> reply);

    static constexpr std::size_t left_over_max = 1000;

    /// Ended jobs, but for those whose runs are not over, of which a container may be left: their
    /// rows must stay, or nobody would know whose container it was. Nothing: the engine was not
    /// asked yet, or there are more than `left_over_max`.
    [[nodiscard]] std::optional<std::vector<JobId>> left_over() const;
    /// None is left.
    [[nodiscard]] bool is_clear() const { return was_listed_ && left_over_.empty(); }
    void container_left(JobId job);

  private:
    struct Pass;
    using Visit = std::function<void(const ContainerSummary&, bool has_run)>;
    /// Visits each container of our instance, and then replies. None of it once this is gone.
    void walk(IsOurs is_ours, Visit visit, EngineReply<Done> reply);
    std::shared_ptr<Pass> begin_pass(EngineReply<std::int64_t> reply);
    void forget_all_but(const std::set<std::string>& listed);
    void look_at(const ContainerSummary& container, const std::shared_ptr<Pass>& pass);
    void clean_up(const ContainerSummary& container, JobId job, const std::shared_ptr<Pass>& pass);
    [[nodiscard]] Result<Job> job_of(const ContainerSummary& container) const;
    void end_pass(Pass& pass);

    Engine& engine_;
    Store& store_;
    std::string instance_;
    std::function<void()> on_left_;
    bool was_listed_ = false;
    std::int64_t left_count_ = 0;  ///< times that a container was left, ever
    /// What `left_count_` was then. A pass clears those that were left before it began.
    std::map<JobId, std::int64_t> left_over_;
    std::set<std::string> reported_;  ///< strangers, each reported once; pruned to what is listed
    Anchor<Reconciler> anchor_{*this};
};

}  // namespace scheduler
