/// hold and release.

#include "common/requests/hold.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"

namespace scheduler {

std::unique_ptr<Command> make_hold() {
    return std::make_unique<ScheduledJobsCommand<HoldRequest>>();
}
std::unique_ptr<Command> make_release() {
    return std::make_unique<ScheduledJobsCommand<ReleaseRequest>>();
}

}  // namespace scheduler
