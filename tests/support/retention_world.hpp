#pragma once
/// What the tests of retention share: a history to shorten, and limits to do it by.

#include "daemon/dispatch/retention.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {

/// The dispatcher's world with a history to shorten.
struct RetentionWorld : DispatchWorld {
    /// A job that ran and printed so much; its row has ended.
    JobId ran(std::size_t bytes = 0) {
        JobId id = add(0s);
        auto container = job(id).container_id;
        REQUIRE(container);
        engine.containers.at(*container).output = std::string(bytes, 'x');
        engine.end(*container, 0);
        executor.run();
        REQUIRE(has_ended(job(id).status));
        return id;
    }
    JobId canceled() {
        JobId id = add(1h);
        store->cancel(id, clock.now(), "test", [](const Result<Done>&) {});
        executor.run();
        return id;
    }
    void fill_history(int jobs) {
        std::vector<NewJob> batch(
            1000, NewJob{"busybox", {}, clock.now(), clock.now() + 1h, {}, {}, "t"});
        for (int done = 0; done < jobs; done += 1000)
            store->insert(batch, [&](Result<std::vector<AddedJob>> added) {
                for (const AddedJob& one : *added)
                    store->cancel(one.job.id, clock.now(), "test", [](const Result<Done>&) {});
            });
        executor.run();
    }
    std::optional<Result<PruneReport>> order(RetentionLimits limits, bool dry_run = false) {
        std::optional<Result<PruneReport>> answer;
        dispatcher->prune(
            limits, dry_run, [&](Result<PruneReport> done) { answer = std::move(done); });
        executor.run_for(10s, 20ms);
        return answer;
    }
    PruneReport prune(RetentionLimits limits, bool dry_run = false) {
        auto answer = order(limits, dry_run);
        REQUIRE(answer);
        REQUIRE(*answer);
        return **answer;
    }
    void set_limits(RetentionLimits limits) {
        DispatchOptions options;
        options.retention = limits;
        dispatcher->set_options(options);
    }
    bool is_there(JobId id) { return store->find(JobRef{id.to_string()}, "").has_value(); }
    std::int64_t in_states() {
        std::int64_t sum = 0;
        auto counts = *store->counts();
        for (const auto& [state, count] : counts)
            sum += count;
        return sum;
    }
};

inline RetentionLimits by_age(Duration age) {
    RetentionLimits limits;
    limits.history_age = age;
    return limits;
}

inline RetentionLimits by_count(std::int64_t count) {
    RetentionLimits limits;
    limits.history_count = count;
    return limits;
}

inline RetentionLimits by_bytes(std::int64_t bytes) {
    RetentionLimits limits;
    limits.log_total = bytes;
    return limits;
}

}  // namespace scheduler::test
