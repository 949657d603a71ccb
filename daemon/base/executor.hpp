#pragma once
/// Where closures run, one after the other. The seam by which the whole daemon runs in one thread
/// under simulation. `post` and `post_after` may be called from any thread; closures run on the
/// executor's own.

#include "common/time.hpp"
#include "daemon/base/unique_function.hpp"

namespace scheduler {

using Task = UniqueFunction<void()>;

class Executor {
  public:
    virtual ~Executor() = default;
    virtual void post(Task task) = 0;
    /// Runs it after `delay` on the steady clock. It can't be canceled: a closure checks by itself
    /// whether it still applies (hold a weak_ptr).
    virtual void post_after(Duration delay, Task task) = 0;
};

}  // namespace scheduler
