#pragma once
/// Commands that take several jobs go on after a failure and exit 1 in the end; one job's failure
/// keeps its own exit code. Without a daemon there is no point in going on.

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// What names a job on the line; hexadecimal digits in upper case mean the same. Errors: bad_field.
Result<JobRef> job_ref(std::string text);

/// Calls `act(JobRef)`, which answers with a CallResult, for each id; reports each failure. The
/// exit code.
template <class Act>
int for_each_job(Context& context, const std::vector<std::string>& ids, Act act) {
    int exit_code = exit_done;
    for (const std::string& text : ids) {
        auto ref = job_ref(text);
        if (!ref) {
            context.console.report(ref.error());
            exit_code = exit_refused;
            continue;
        }
        auto result = act(*ref);
        if (result) continue;
        context.console.report(result.error());
        if (result.error().kind != CallError::Kind::refused) return exit_code_of(result.error());
        exit_code = ids.size() == 1 ? exit_code_of(result.error()) : exit_refused;
    }
    return exit_code;
}

/// The answer of an operation that only confirms, on standard output.
void print_confirmation(Context& context, const Answer<MessageResponse>& answer);

}  // namespace scheduler
