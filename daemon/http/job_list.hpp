#pragma once
/// The body of GET /jobs, `{"running":{id:job},"scheduled":{…},"history":{…}}`, written piece by
/// piece. A value; any thread.

#include <string>

#include "common/job.hpp"

namespace scheduler {

enum class JobSection { running, scheduled, history };
JobSection section_of(const Job& job);

class JobListWriter {
  public:
    /// Sections come in the order of the enum.
    void add(JobSection section, const Job& job);
    /// Closes what is open; sections without jobs are there, empty.
    void finish();
    /// What was written since the last call.
    [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

  private:
    void open(JobSection section);

    std::string text_;
    int opened_ = 0;  ///< sections that were begun
    bool is_first_ = true;
};

}  // namespace scheduler
