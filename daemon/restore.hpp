#pragma once
/// `schedulerd --restore FILE`: makes the state directory of a backup, and exits. The directory has
/// its lock meanwhile. The database takes its name when it is whole and synced, so a crash leaves
/// none or all of it. On the main thread; nothing else runs.

#include <string>

#include "daemon/base/clock.hpp"
#include "daemon/options.hpp"

namespace scheduler {

/// What was done, in sentences. Errors, each one sentence with the remedy: internal, for a state
/// directory that has a database or can't be used, and for a file that is no sound backup.
Result<std::string> restore(const Options& options, const Clock& clock);

}  // namespace scheduler
