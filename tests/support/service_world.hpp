#pragma once
/// The service over a dispatcher's world, in one thread.

#include "daemon/service/service.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

struct ServiceWorld : DispatchWorld {
    Service service{*store, *spool, *dispatcher, events, metrics, clock, executor, executor};
};

}  // namespace scheduler::test
