#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

void DispatchWorld::boot() {
    auto opened = SqliteStore::open({dir.path() / "db", executor, clock, system_random(), {}});
    REQUIRE(opened);
    store = std::move(*opened);
    spool = std::make_unique<Spool>(dir.path() / "logs", 1 << 20);
    dispatcher = std::make_unique<Dispatcher>(Dispatcher::Parts{engine,
                                                                *store,
                                                                *spool,
                                                                events,
                                                                metrics,
                                                                clock,
                                                                executor,
                                                                executor,
                                                                timer,
                                                                "instance",
                                                                given},
                                              DispatchOptions{max_running, 0});
    REQUIRE(dispatcher->start());
    executor.run();
}

void DispatchWorld::crash() {
    if (dispatcher) dispatcher->stop();
    executor.run();
    dispatcher.reset();
    store.reset();
}

JobId DispatchWorld::add(Duration in, JobSpec spec, std::string name) {
    JobId id;
    NewJob job{name, std::move(spec), clock.now(), clock.now() + in, {}, {}, "test"};
    store->insert({job}, [&](Result<std::vector<AddedJob>> added) {
        REQUIRE(added);
        id = added->front().job.id;
    });
    executor.run();
    dispatcher->wake_at(clock.now() + in);
    executor.run();
    return id;
}

JobId DispatchWorld::add_limited(Duration timeout) {
    JobSpec spec;
    spec.timeout = Span{timeout};
    return add(0s, std::move(spec));
}

void DispatchWorld::pass(Duration length) {
    for (Duration passed{}; passed < length; passed += 100ms) {
        clock.advance(100ms);
        if (timer.when && *timer.when <= clock.now()) {
            timer.when.reset();
            dispatcher->due_timer_rang();
        }
        executor.run();
    }
}

void DispatchWorld::kill(JobId id, bool now) {
    store->request_kill(id, clock.now(), "test", now, [](Result<Done>) {});
    executor.run();
    dispatcher->kill(id, "test", now);
    executor.run();
}

Job DispatchWorld::job(JobId id) {
    auto found = store->find(JobRef{id.to_string()}, "");
    REQUIRE(found);
    return *found;
}

}  // namespace scheduler::test
