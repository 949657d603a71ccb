#pragma once
/// Runs histories, and makes one that fails as short as it still fails.

#include <filesystem>
#include <optional>
#include <string>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {

class Runner {
  public:
    explicit Runner(std::filesystem::path logs) : logs_(std::move(logs)) {}

    /// What was violated; nothing when all promises held.
    std::optional<std::string> run(const History& history, bool is_talkative = false);
    /// The same; also when one of `expected` was not said, in their order: it is another run now.
    std::optional<std::string> replay(const Recorded& recorded, bool is_talkative);
    /// So many jobs that are due at the same moment, and all of them come to their end.
    std::optional<std::string> run_storm(int jobs, bool is_talkative = false);
    using Wanted = std::function<bool(const History& part)>;
    /// The shortest part of it that is still wanted, found by leaving out ever smaller pieces.
    static History shrink(History history, const Wanted& is_wanted);

    [[nodiscard]] const World::Figures& figures() const { return figures_; }

  private:
    std::optional<std::string> run(const History& history,
                                   bool is_talkative,
                                   std::function<void(const std::string&)> on_word);

    std::filesystem::path logs_;
    World::Figures figures_;  ///< of the last run
};

}  // namespace scheduler::sim
