#pragma once
/// WaitToken keeps a wait for a job's end alive. A front end drops it when its client is gone.

#include <memory>

namespace scheduler {

using WaitToken = std::shared_ptr<const void>;

}  // namespace scheduler
