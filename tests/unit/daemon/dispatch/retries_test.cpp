/// Jobs that are tried again: each attempt has a container, an output and an outcome of its own.

#include "daemon/dispatch/names.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler {
namespace {

using namespace test;

struct Trying : DispatchWorld {
    static JobSpec tried(std::int64_t max, std::vector<FinishStatus> on = {}) {
        JobSpec spec;
        Retries& retries = spec.retries.emplace();
        retries.max = max;
        retries.delay = Span{5s};
        retries.on = std::move(on);
        return spec;
    }
    /// Ends what runs.
    void end(std::int64_t exit_code) {
        for (auto& [id, container] : engine.containers)
            if (container.state.phase == FakeEngine::Phase::running) {
                engine.end(id, exit_code);
                return executor.run();
            }
        FAIL("nothing runs");
    }
    JobRecord record(JobId id) {
        auto found = store->record(id);
        REQUIRE(found);
        REQUIRE(*found);
        return **found;
    }
    std::string output(JobId id, int attempt) {
        std::string text;
        auto reader = spool->open_reader(id, attempt);
        for (auto piece = reader->next(); piece && *piece; piece = reader->next())
            text += (*piece)->bytes;
        return text;
    }
    void print(std::string text) { engine.only().output = std::move(text); }
    std::int64_t stored_bytes() { return store->history_totals()->output_bytes; }
};

TEST_CASE_METHOD(Trying, "a job that fails is tried again after its delay", "[dispatch]") {
    JobId id = add(0s, tried(2));
    CHECK(engine.only().name == container_name(id, 1));
    print("first\n");
    end(3);
    Job waiting = job(id);
    CHECK(waiting.status == JobStatus::scheduled);
    CHECK(waiting.attempt == 1);
    CHECK(waiting.due_at.at == clock.now() + 5s);
    CHECK_FALSE(waiting.exit_code);
    CHECK_FALSE(waiting.container_id);
    CHECK_FALSE(waiting.lateness_ms);
    CHECK(engine.containers.empty());
    CHECK(stored_bytes() == 0);
    pass(4900ms);
    CHECK(engine.containers.empty());
    pass(200ms);
    REQUIRE(job(id).status == JobStatus::running);
    CHECK(engine.only().name == container_name(id, 2));
    print("second\n");
    end(0);
    Job ended = job(id);
    CHECK(ended.finish_status == FinishStatus::success);
    CHECK(ended.attempt == 2);
    CHECK(engine.containers.empty());
    CHECK(output(id, 1) == "first\n");
    CHECK(output(id, 2) == "second\n");
    CHECK(stored_bytes() ==
          static_cast<std::int64_t>(spool->bytes_stored(id, 1) + spool->bytes_stored(id, 2)));
    JobRecord told = record(id);
    REQUIRE(told.attempts.size() == 2);
    CHECK(told.attempts[0].finish_status == FinishStatus::failed);
    CHECK(told.attempts[0].exit_code == 3);
    CHECK(told.attempts[0].container_id == "c1");
    CHECK(told.attempts[1].finish_status == FinishStatus::success);
    CHECK(told.transitions[2].reason == "attempt 1 of 3 failed with exit code 3");
}

TEST_CASE_METHOD(Trying, "after its last attempt a job has ended as that did", "[dispatch]") {
    JobId id = add(0s, tried(1));
    end(1);
    pass(6s);
    end(2);
    CHECK(job(id).status == JobStatus::finished);
    CHECK(job(id).finish_status == FinishStatus::failed);
    CHECK(job(id).exit_code == 2);
    CHECK(store->counts()->at("failed") == 1);
    CHECK(store->counts()->at("scheduled") == 0);
}

TEST_CASE_METHOD(Trying,
                 "success and kills are not tried again, lost only where asked",
                 "[dispatch]") {
    SECTION("success") {
        JobId id = add(0s, tried(1));
        end(0);
        CHECK(job(id).finish_status == FinishStatus::success);
    }
    SECTION("killed") {
        JobId id = add(0s, tried(1));
        kill(id);
        CHECK(job(id).finish_status == FinishStatus::killed);
    }
    SECTION("a kill that only the store knows of") {
        JobId id = add(0s, tried(1));
        store->request_kill(id, clock.now(), "test", false, [](Result<Done>) {});
        executor.run();
        end(1);
        CHECK(job(id).finish_status == FinishStatus::failed);
    }
    SECTION("lost") {
        bool is_asked = GENERATE(false, true);
        JobId id = add(
            0s, tried(1, is_asked ? std::vector{FinishStatus::lost} : std::vector<FinishStatus>()));
        engine.containers.clear();
        pass(70s);
        if (is_asked)
            CHECK(job(id).attempt == 2);
        else
            CHECK(job(id).finish_status == FinishStatus::lost);
    }
}

TEST_CASE_METHOD(Trying, "each attempt has its own timeout", "[dispatch]") {
    JobSpec spec = tried(1);
    spec.timeout = Span{10s};
    JobId id = add(0s, std::move(spec));
    pass(11s);
    CHECK(job(id).status == JobStatus::scheduled);
    CHECK(record(id).transitions.back().reason->starts_with("attempt 1 of 2 timed out"));
    pass(5s);
    CHECK(job(id).status == JobStatus::running);
    pass(8s);
    CHECK(job(id).status == JobStatus::running);
    pass(3s);
    CHECK(job(id).finish_status == FinishStatus::timed_out);
}

TEST_CASE_METHOD(Trying,
                 "a daemon that dies between attempts loses and doubles none",
                 "[dispatch]") {
    JobId id = add(0s, tried(1));
    engine.refuses["remove"] = 1;
    end(1);
    REQUIRE(job(id).status == JobStatus::scheduled);
    REQUIRE(engine.containers.size() == 1);
    crash();
    boot();
    CHECK(engine.containers.empty());  // the one of the first attempt
    pass(6s);
    CHECK(engine.only().name == container_name(id, 2));
    CHECK(engine.starts() == 2);
    end(0);
    CHECK(job(id).finish_status == FinishStatus::success);
}

TEST_CASE_METHOD(Trying,
                 "an attempt that is claimed while the last one is cleaned up waits for that",
                 "[dispatch]") {
    JobId id = add(0s, tried(1));
    engine.hangs_at_removes = true;
    end(1);
    pass(6s);
    CHECK(job(id).status == JobStatus::running);
    CHECK(engine.starts() == 1);
    bool is_killed = GENERATE(false, true);
    if (is_killed) kill(id);
    engine.hangs_at_removes = false;
    for (auto& reply : std::exchange(engine.held_removes, {}))
        reply(Done{});
    executor.run();
    if (is_killed) {
        CHECK(job(id).finish_status == FinishStatus::killed);
        CHECK(job(id).error == "killed by test");
        return;
    }
    CHECK(engine.starts() == 2);
}

TEST_CASE_METHOD(Trying,
                 "a claim that waits for a removal keeps no other from starting",
                 "[dispatch]") {
    dispatcher->set_options({100, 1});
    JobId id = add(0s, tried(1));
    engine.hangs_at_removes = true;
    end(1);
    pass(6s);
    REQUIRE(job(id).status == JobStatus::running);
    JobId other = add(0s);
    CHECK(job(other).started_at);
    CHECK(engine.starts() == 2);
    // Another engine answers when the removal is over: nothing is made on that one.
    engine.go_down();
    engine.id = "engine-2";
    engine.is_down = false;
    for (auto& reply : std::exchange(engine.held_removes, {}))
        reply(Done{});
    pass(10s);
    CHECK(engine.starts() == 2);
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Trying, "a container without an attempt's label is no left-over", "[dispatch]") {
    JobId id = add(0s, tried(1));
    FakeEngine::Container& strange = engine.containers["strange"];
    strange.state.id = "strange";
    strange.state.labels = engine.only().state.labels;
    strange.state.labels.erase(attempt_label);
    strange.state.phase = FakeEngine::Phase::running;
    engine.break_watch();
    pass(70s);
    CHECK(engine.containers.count("strange") == 1);
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Trying, "a job that waits for its next attempt can be taken back", "[dispatch]") {
    JobId id = add(0s, tried(1));
    print("first\n");
    end(1);
    store->cancel(id, clock.now(), "removed by test", [](Result<Done> done) { REQUIRE(done); });
    executor.run();
    pass(10s);
    CHECK(job(id).status == JobStatus::canceled);
    CHECK(job(id).finish_status == FinishStatus::did_not_run);
    CHECK(engine.starts() == 1);
    CHECK(stored_bytes() == static_cast<std::int64_t>(spool->bytes_stored(id, 1)));
}

TEST_CASE_METHOD(Trying,
                 "what was started in time is tried again after it would have expired",
                 "[dispatch]") {
    JobSpec spec = tried(1);
    spec.expires = Span{2s};
    JobId id = add(0s, std::move(spec));
    dispatcher->wake_at(clock.now(), clock.now() + 2s);
    end(1);
    store->edit(id, {clock.now() + 20s, {}}, [](const Result<Job>& edited) { REQUIRE(edited); });
    executor.run();
    pass(19s);
    CHECK(job(id).status == JobStatus::scheduled);
    store->make_due(id, clock.now(), [&](Result<std::optional<TimePoint>> expires_at) {
        REQUIRE(expires_at);
        CHECK_FALSE(*expires_at);
        dispatcher->wake();
    });
    executor.run();
    CHECK(job(id).status == JobStatus::running);
}

TEST_CASE_METHOD(Trying, "a full disk delays the next attempt, and loses none", "[dispatch]") {
    JobId id = add(0s, tried(1));
    Database database(dir.path() / "db", Database::Mode::writer);
    database.exec(
        "CREATE TRIGGER broken BEFORE UPDATE ON job BEGIN SELECT RAISE(ABORT, 'no'); END");
    end(1);
    pass(3s);
    CHECK(job(id).status == JobStatus::running);
    database.exec("DROP TRIGGER broken");
    pass(40s);
    CHECK(job(id).attempt == 2);
    CHECK(record(id).attempts.size() == 1);
}

}  // namespace
}  // namespace scheduler
