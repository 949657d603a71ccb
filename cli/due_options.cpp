#include "cli/due_options.hpp"

#include <fmt/format.h>

#include "cli/moment.hpp"
#include "cli/output/text.hpp"

namespace scheduler {

void DueOptions::declare_moment(OptionSet& options) {
    options.value("--in", "TIME", in_, "due this long from now: 30s, 2m, 1h, 4d");
    options.value(
        "--at", "MOMENT", at_, "due then: 20:00, \"tomorrow 03:00\", \"2027-06-20 20:00\"");
}

void DueOptions::declare_past(OptionSet& options) {
    options.value("--past",
                  "WHAT",
                  past_,
                  "a past --at: refuse (the default) or run, at once",
                  Completes::past_date);
}

Result<Done> DueOptions::check() const {
    if (past_ && *past_ != "run" && *past_ != "refuse")
        return fail(ErrorCode::bad_request,
                    fmt::format("--past takes run or refuse, not \"{}\"", escape_text(*past_)));
    if (past_ && !at_)
        return fail(ErrorCode::bad_request, "--past is about a past --at; leave it out");
    if (auto at = check_at(at_); !at) return at;
    if (auto in = span_option("--in", in_); !in) return fail(in.error());
    return Done{};
}

void DueOptions::explain(Error& error) const {
    bool is_past = error.message.find("is in the past") != std::string::npos;
    if (error.code == ErrorCode::bad_date && is_past && !past_) error.message += " with --past run";
}

}  // namespace scheduler
