#include "common/requests/run.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"

namespace scheduler {

std::unique_ptr<Command> make_run() {
    return std::make_unique<ScheduledJobsCommand<RunRequest>>();
}

}  // namespace scheduler
