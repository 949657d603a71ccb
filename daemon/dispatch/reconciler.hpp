#pragma once
/// Reconciler compares the engine's containers of our instance with the rows: at start-up, after
/// each break of the event stream, and on a slow timer. Lives on the core. Events are hints; this
/// is the net.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>

#include "daemon/engine/engine.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class Reconciler {
  public:
    /// `on_left`: a container whose row has ended could not be removed this time.
    Reconciler(Engine& engine, Store& store, std::string instance, std::function<void()> on_left)
        : engine_(engine),
          store_(store),
          instance_(std::move(instance)),
          on_left_(std::move(on_left)) {}

    /// Lists, cleans up containers whose row has ended, reports those without a row (and leaves
    /// them), and replies with the ids of the containers that run. `is_ours`: a run takes care of
    /// it.
    void run(std::function<bool(JobId)> is_ours,
             EngineReply<std::unordered_set<std::string>> reply);

  private:
    void forget_all_but(const std::set<std::string>& listed);
    void look_at(const ContainerSummary& container);
    void clean_up(const ContainerSummary& container);

    Engine& engine_;
    Store& store_;
    std::string instance_;
    std::function<void()> on_left_;
    std::set<std::string> reported_;  ///< strangers, each reported once; pruned to what is listed
    std::shared_ptr<Reconciler*> self_ = std::make_shared<Reconciler*>(this);
};

}  // namespace scheduler
