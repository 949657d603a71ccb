#pragma once
/// DueOptions: when a job is due, as `add` and `edit` take it: --in, --at and --past.

#include <optional>
#include <string>

#include "cli/options.hpp"

namespace scheduler {

class DueOptions {
  public:
    void declare_moment(OptionSet& options);
    void declare_past(OptionSet& options);

    /// How many moments are given.
    [[nodiscard]] int count() const { return (in_ ? 1 : 0) + (at_ ? 1 : 0); }
    /// Errors: bad_request, bad_time, bad_date, naming the option.
    [[nodiscard]] Result<Done> check() const;
    /// Fills the request's `time`, `at` and `past_date`; a past --at is refused unless it is meant.
    template <class Request>
    void write(Request& request) const {
        request.time = in_;
        request.at = at_;
        if (at_) request.past_date = past_.value_or("refuse");
    }
    /// What to do about a past date that was refused, unless --past says that it is meant so.
    void explain(Error& error) const;

  private:
    std::optional<std::string> in_;
    std::optional<std::string> at_;
    std::optional<std::string> past_;
};

}  // namespace scheduler
