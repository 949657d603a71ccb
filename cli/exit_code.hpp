#pragma once
/// The exit codes that scripts rely on; schedctl(1), EXIT STATUS. Pure.

#include "common/job.hpp"

namespace scheduler {

enum ExitCode : int {
    exit_done = 0,
    exit_refused = 1,  ///< the daemon refused it, or it failed
    exit_usage = 2,
    exit_unreachable = 3,
    exit_no_such_job = 4,
    exit_timed_out = 124,    ///< the job did (as timeout(1) says it)
    exit_no_code = 125,      ///< the job has no code of its own (as docker run says it)
    exit_interrupted = 130,  ///< Ctrl-C ended the waiting: 128 + SIGINT
    exit_killed = 137,       ///< the job was: 128 + SIGKILL
    exit_broken_pipe = 141,  ///< nobody reads the output any more: 128 + SIGPIPE
};

/// What waiting for this job exits with. A job that has not ended has no code yet: exit_no_code.
int exit_code_of(const Job& job);

}  // namespace scheduler
