/// verify against a store, an engine and a spool that were tampered with, in one thread. What moves
/// while it looks is no finding; what stays wrong is.

#include <fstream>

#include <catch2/catch.hpp>

#include "daemon/dispatch/names.hpp"
#include "daemon/service/service.hpp"
#include "daemon/service/verification.hpp"
#include "tests/support/dispatch_world.hpp"

namespace scheduler::test {
namespace {

struct VerifyWorld : DispatchWorld {
    VerifyWorld()
        : service(*store, *spool, *dispatcher, events, metrics, clock, executor, executor) {}

    struct Answer {
        std::optional<Result<VerifyResponse>> result;
        WaitToken token;
    };
    std::shared_ptr<Answer> begin(VerifyRequest request = {}) {
        auto answer = std::make_shared<Answer>();
        auto keep = [weak = std::weak_ptr(answer)](Result<VerifyResponse> result) {
            if (auto to = weak.lock()) to->result.emplace(std::move(result));
        };
        answer->token = service.handle(request, {"test"}, std::move(keep));
        return answer;
    }
    VerifyResponse verify(VerifyRequest request = {}) {
        auto answer = begin(std::move(request));
        pass(10s);
        REQUIRE(answer->result);
        INFO((*answer->result ? "" : answer->result->error().message));
        REQUIRE(*answer->result);
        answer->token.reset();
        return **answer->result;
    }
    /// `kind: message` of each finding.
    std::vector<std::string> findings() {
        std::vector<std::string> words;
        VerifyResponse response = verify();
        CHECK(response.well == response.findings.empty());
        for (const Finding& finding : response.findings)
            words.push_back(finding.kind + ": " + finding.message);
        return words;
    }
    std::string only_finding() {
        auto all = findings();
        REQUIRE(all.size() == 1);
        return all.front();
    }

    /// A job that ran to its end, and printed something.
    JobId finished() {
        JobId id = add(0s);
        pass(1s);
        auto container = *job(id).container_id;
        engine.containers.at(container).output = "hello";
        engine.end(container, 0);
        pass(1s);
        REQUIRE(job(id).finish_status == FinishStatus::success);
        return id;
    }
    JobId running() {
        JobId id = add(0s);
        pass(1s);
        REQUIRE(job(id).status == JobStatus::running);
        return id;
    }
    /// Changes the database as no part of the program does.
    void tamper(const std::string& sql) {
        Database database(dir.path() / "db", Database::Mode::writer);
        database.exec(sql.c_str());
    }
    FakeEngine::Container& stray(const std::string& key, const std::string& id, int attempt) {
        FakeEngine::Container& made = engine.containers[key];
        made.name = "stray";
        made.state.id = key;
        made.state.labels = {{job_label, id},
                             {attempt_label, std::to_string(attempt)},
                             {instance_label, "instance"}};
        return made;
    }
    std::filesystem::path file_of(JobId id, const std::string& suffix) const {
        std::string hex = id.to_string();
        auto folder = dir.path() / "logs" / hex.substr(30);
        std::filesystem::create_directories(folder);
        return folder / (hex + suffix);
    }
    void write_file(const std::filesystem::path& path) { std::ofstream(path) << "x"; }

    Service service;
};

const std::string unknown_id = "0197d2c0a5b37a1e8c00112233445566";

}  // namespace

TEST_CASE_METHOD(VerifyWorld, "all is well where all is well", "[service][verify]") {
    CHECK(verify().message == "all is well: 0 jobs, 0 containers and 0 files of output checked");
    (void)finished();
    (void)running();
    (void)add(1h);
    VerifyResponse response = verify();
    CHECK(response.message == "all is well: 3 jobs, 1 container and 2 files of output checked");
    CHECK(response.well);
    CHECK(response.found.empty());
}

TEST_CASE_METHOD(VerifyWorld, "jobs that end as they can are no findings", "[service][verify]") {
    SECTION("killed") {
        JobId id = running();
        kill(id, true);
        pass(1s);
        REQUIRE(job(id).finish_status == FinishStatus::killed);
    }
    SECTION("lost, since its container was removed") {
        JobId id = running();
        pass(2s);  // its output is followed
        engine.containers.clear();
        pass(70s);
        REQUIRE(job(id).finish_status == FinishStatus::lost);
    }
    SECTION("refused by the engine") {
        engine.refuse_create = "No such image";
        JobId id = add(0s);
        pass(1s);
        REQUIRE(job(id).finish_status == FinishStatus::failed);
    }
    SECTION("no image at all") {
        JobId id = add(0s, {}, "JOB_A");
        pass(1s);
        REQUIRE(job(id).finish_status == FinishStatus::failed);
    }
    SECTION("taken back") {
        JobId id = add(1h);
        store->cancel(id, clock.now(), "removed", [](Result<Done>) {});
    }
    CHECK(findings().empty());
}

TEST_CASE_METHOD(VerifyWorld, "a running job that nobody cares for is lost", "[service][verify]") {
    JobId id = add(1h);
    tamper(
        "UPDATE job SET status = 'running', attempt = 1, claimed_at = due_at, engine_id = "
        "'engine-1', container_id = 'gone';"
        "INSERT INTO event(job, at, from_status, to_status) VALUES(1, 0, 'scheduled', 'running');"
        "UPDATE counter SET n = 0 WHERE state = 'scheduled';"
        "INSERT INTO counter(state, n) VALUES('running', 1)");
    CHECK(only_finding() ==
          "lost: job 1 (test/busybox:1) is running, and nobody brings it to its end");
    CHECK(verify().findings.front().job_id == id);
}

TEST_CASE_METHOD(VerifyWorld,
                 "a container that vanished is lost until it is settled",
                 "[service][verify]") {
    (void)running();
    auto kept = engine.containers;
    SECTION("it stays away") {
        engine.containers.clear();
        auto answer = begin();
        pass(5s);  // the slow reconcile comes later
        REQUIRE(answer->result);
        REQUIRE((*answer->result)->findings.size() == 1);
        CHECK((*answer->result)->findings.front().message ==
              "job 1 (test/busybox:1) is running, and the engine does not have its container c1");
        CHECK((*answer->result)->findings.front().container_id == "c1");
    }
    SECTION("it was only not listed once") {
        engine.containers.clear();
        auto answer = begin();
        pass(100ms);
        REQUIRE_FALSE(answer->result);
        engine.containers = kept;
        pass(5s);
        REQUIRE(answer->result);
        CHECK((*answer->result)->well);
    }
}

TEST_CASE_METHOD(VerifyWorld, "output that is gone is lost", "[service][verify]") {
    JobId id = finished();
    std::filesystem::remove(file_of(id, ".1"));
    CHECK(only_finding() ==
          "lost: job 1 (test/busybox:1) ran, and its output of attempt 1 is not there");
}

TEST_CASE_METHOD(VerifyWorld, "a second container of an attempt is doubled", "[service][verify]") {
    JobId id = running();
    stray("c9", id.to_string(), 1);
    CHECK(only_finding() ==
          "doubled: job 1 (test/busybox:1) has a second container c9 for attempt 1, besides c1");
}

TEST_CASE_METHOD(VerifyWorld, "a second claim is doubled", "[service][verify]") {
    (void)running();
    tamper(
        "INSERT INTO event(job, at, from_status, to_status) VALUES(1, 0, 'running', 'scheduled');"
        "INSERT INTO event(job, at, from_status, to_status) VALUES(1, 0, 'scheduled', 'running')");
    CHECK(only_finding() == "doubled: job 1 (test/busybox:1) was claimed 2 times for 1 attempts");
}

TEST_CASE_METHOD(VerifyWorld, "what ran before it was due is early", "[service][verify]") {
    (void)finished();
    SECTION("by its row") {
        tamper("UPDATE job SET due_at = claimed_at + 30000");
        CHECK(only_finding() == "early: job 1 (test/busybox:1) was claimed 30s before it was due");
    }
    SECTION("by a container of an attempt to come") {
        JobId waiting = add(1h);
        stray("c9", waiting.to_string(), 1);
        CHECK(only_finding() ==
              "early: job 2 (test/busybox:1) has a container c9 of attempt 1, which was not "
              "claimed yet");
    }
    SECTION("by output of an attempt to come") {
        JobId waiting = add(1h);
        write_file(file_of(waiting, ".1.part"));
        CHECK(only_finding().find("of attempt 1, which was not claimed yet") != std::string::npos);
    }
}

TEST_CASE_METHOD(VerifyWorld,
                 "late without a reason is a finding, with one it is counted",
                 "[service][verify]") {
    (void)finished();
    tamper("UPDATE job SET due_at = claimed_at - 61000, created_at = created_at - 100000");
    CHECK(only_finding() ==
          "late: job 1 (test/busybox:1) was claimed 1m1s after it was due, and no reason is "
          "recorded");
    VerifyRequest patient;
    patient.late = Span{2min};
    CHECK(verify(patient).well);
    tamper("UPDATE event SET reason = 'paused' WHERE to_status = 'running'");
    VerifyResponse explained = verify();
    CHECK(explained.well);
    CHECK(explained.late_for_a_reason == 1);
}

TEST_CASE_METHOD(VerifyWorld, "a due job that waits for nothing is late", "[service][verify]") {
    (void)add(1h);
    // Behind the dispatcher's back: it sleeps until the hour is over.
    tamper("UPDATE job SET due_at = due_at - 7200000, created_at = created_at - 7200000");
    SECTION("it is told") {
        CHECK(only_finding().find("nothing hinders it, and it is not started") !=
              std::string::npos);
    }
    SECTION("paused, it waits rightly") {
        store->set_pause({.paused = true}, [](const Result<PauseChange>&) {});
        executor.run();
        CHECK(findings().empty());
    }
    SECTION("so it does without an engine") {
        engine.go_down();
        VerifyResponse response = verify();
        CHECK(response.findings.empty());
        CHECK_FALSE(response.well);
    }
}

TEST_CASE_METHOD(VerifyWorld, "a due job that is passed over is late", "[service][verify]") {
    (void)add(1h);
    tamper(
        "UPDATE job SET due_at = due_at - 7200000, rank = rank - 7200000, created_at = created_at "
        "- 7200000, held = 1");
    auto others = [&](Duration due) {
        auto answer = begin();
        for (int i = 0; i < 10; ++i) {
            (void)add(due);
            pass(800ms);
        }
        REQUIRE(answer->result);
        REQUIRE(*answer->result);
        return **answer->result;
    };
    SECTION("by jobs that are due later") {
        VerifyResponse response = others(0s);
        REQUIRE(response.findings.size() == 1);
        CHECK(response.findings.front().number == 1);
        CHECK(response.findings.front().kind == "late");
    }
    SECTION("it waits rightly behind jobs that are due earlier") {
        CHECK(others(-24h).findings.empty());
    }
}

TEST_CASE_METHOD(VerifyWorld,
                 "jobs that wait for their group are no findings",
                 "[service][verify]") {
    GroupEdit edit;
    edit.max_running = 1;
    store->set_group("g", edit, [](Result<Group> set) { REQUIRE(set); });
    executor.run();
    JobSpec spec;
    spec.group = "g";
    (void)add(0s, spec);
    JobId second = add(0s, spec);
    pass(2min);
    REQUIRE(job(second).status == JobStatus::scheduled);
    SECTION("that is full") {
        CHECK(findings().empty());
    }
    SECTION("and jobs that are due later may pass them by") {
        auto answer = begin();
        for (int i = 0; i < 10; ++i) {
            (void)add(0s);
            pass(800ms);
        }
        REQUIRE(answer->result);
        CHECK((*answer->result)->well);
    }
    SECTION("but one whose line leads nowhere is") {
        tamper("DELETE FROM job_group");
        CHECK(only_finding().find("nothing hinders it, and it is not started") !=
              std::string::npos);
    }
}

TEST_CASE_METHOD(VerifyWorld, "jobs that wait for a slot are no findings", "[service][verify]") {
    dispatcher->set_options({1, 0});
    (void)running();
    std::vector<JobId> waiting{add(0s), add(0s), add(-24h)};
    pass(2min);
    REQUIRE(job(waiting.front()).status == JobStatus::scheduled);
    SECTION("that never gets free") {
        CHECK(findings().empty());
    }
    SECTION("that gets free at times") {
        auto answer = begin();
        for (int i = 0; i < 3; ++i) {
            pass(500ms);
            engine.end("c" + std::to_string(i + 1), 0);
        }
        pass(10s);
        REQUIRE(answer->result);
        CHECK((*answer->result)->well);
    }
}

TEST_CASE_METHOD(VerifyWorld,
                 "what belongs to no job, or to an ended one, is orphaned",
                 "[service][verify]") {
    JobId id = finished();
    SECTION("a container without a row") {
        stray("c9", unknown_id, 1);
        CHECK(only_finding() ==
              "orphaned: the container c9 (stray) has this daemon's label, and there is no such "
              "job");
    }
    SECTION("a container whose job has ended") {
        stray("c9", id.to_string(), 1);
        CHECK(only_finding() ==
              "orphaned: job 1 (test/busybox:1) has ended, and its container c9 of attempt 1 is "
              "still there");
    }
    SECTION("one that runs") {
        stray("c9", id.to_string(), 1).state.phase = ContainerState::Phase::running;
        CHECK(only_finding().find("of attempt 1 runs") != std::string::npos);
    }
    SECTION("one that goes away meanwhile") {
        stray("c9", id.to_string(), 1);
        auto answer = begin();
        pass(100ms);
        engine.containers.erase("c9");
        pass(5s);
        REQUIRE(answer->result);
        CHECK((*answer->result)->well);
    }
    SECTION("output without a row") {
        write_file(file_of(JobId::parse(unknown_id).value(), ".1"));
        CHECK(only_finding().find("is output of a job that is not there") != std::string::npos);
    }
    SECTION("a copy in the making of an ended job") {
        auto suffix = GENERATE(".1.part", ".1.whole", ".1.tmp");
        write_file(file_of(id, suffix));
        CHECK(only_finding().find("left an unfinished copy of its output") != std::string::npos);
    }
    SECTION("a file of another kind") {
        std::filesystem::create_directories(dir.path() / "logs");
        write_file(dir.path() / "logs/notes");
        CHECK(only_finding().find("logs/notes is no output of a job") != std::string::npos);
    }
}

TEST_CASE_METHOD(VerifyWorld,
                 "counters that say something else are inconsistent",
                 "[service][verify]") {
    (void)finished();
    (void)add(1h);
    tamper("UPDATE counter SET n = n + 1 WHERE state IN ('scheduled', 'success')");
    auto all = findings();
    REQUIRE(all.size() == 2);
    CHECK(all[0] == "inconsistent: the counter of scheduled says 2, and there is 1");
    CHECK(all[1] == "inconsistent: the counter of success says 2, and there is 1");
}

TEST_CASE_METHOD(VerifyWorld, "jobs that were pruned are missed by nobody", "[service][verify]") {
    JobId id = finished();
    (void)add(1h);
    (void)finished();
    PruneBatch all;
    all.ended_before = clock.now();
    all.jobs_max = 1;
    store->prune(all, [](Result<PruneResult> pruned) { REQUIRE(pruned); });
    executor.run();
    REQUIRE_FALSE(store->find(JobRef{id.to_string()}, ""));
    REQUIRE(std::filesystem::exists(file_of(id, ".1")));  // remembered, and removed later
    CHECK(findings().empty());
    write_file(file_of(id, ".1"));  // and nobody remembers it any more
    CHECK(only_finding().find("is output of a job that is not there") != std::string::npos);
}

TEST_CASE_METHOD(VerifyWorld, "output that made room is missed by nobody", "[service][verify]") {
    JobId id = finished();
    store->prune_output(0, 10, clock.now(), [](Result<PruneResult> pruned) { REQUIRE(pruned); });
    executor.run();
    CHECK(findings().empty());
    REQUIRE(spool->remove(id, 1));
    CHECK(findings().empty());
}

TEST_CASE_METHOD(VerifyWorld,
                 "a job that vanished is missed by the counters",
                 "[service][verify]") {
    JobId id = finished();
    tamper("DELETE FROM job; DELETE FROM attempt; DELETE FROM event; DELETE FROM output");
    std::filesystem::remove(file_of(id, ".1"));
    CHECK(only_finding() == "inconsistent: the counter of success says 1, and there are 0");
}

TEST_CASE_METHOD(VerifyWorld, "jobs that move on meanwhile are no findings", "[service][verify]") {
    JobId waiting = add(1s);
    JobId ends = running();
    auto answer = begin();
    // Page by page: both jobs change between the pages.
    for (int i = 0; i < 3; ++i)
        (void)add(1s);
    engine.end(*job(ends).container_id, 0);
    pass(10s);
    REQUIRE(answer->result);
    REQUIRE(*answer->result);
    for (const Finding& finding : (*answer->result)->findings)
        UNSCOPED_INFO(finding.message);
    CHECK((*answer->result)->well);
    CHECK(job(waiting).status == JobStatus::running);
}

TEST_CASE_METHOD(VerifyWorld,
                 "a row that can't be read is told, and hides no other",
                 "[service][verify]") {
    (void)finished();
    (void)add(1h);
    tamper("UPDATE job SET finish_status = 'excellent' WHERE number = 1");
    VerifyResponse response = verify();
    REQUIRE(response.findings.size() >= 1);
    CHECK(response.findings.front().message.find("can't be read: a row is damaged") !=
          std::string::npos);
    CHECK(response.jobs_checked == 2);
}

TEST_CASE_METHOD(VerifyWorld,
                 "since leaves old history out, and nothing else",
                 "[service][verify]") {
    JobId old = finished();
    tamper("UPDATE job SET exit_code = 1 WHERE number = 1");  // no success
    clock.advance(48h);
    (void)finished();
    (void)running();
    (void)add(1h);
    VerifyRequest request;
    request.since = "1d";
    VerifyResponse response = verify(request);
    CHECK(response.well);
    CHECK(response.jobs_checked == 3);
    request.since = "4d";
    response = verify(request);
    REQUIRE(response.findings.size() == 1);
    CHECK(response.findings.front().job_id == old);
    CHECK(response.jobs_checked == 4);
}

TEST_CASE_METHOD(VerifyWorld,
                 "without an engine it says what it did not check",
                 "[service][verify]") {
    (void)finished();
    engine.go_down();
    VerifyResponse response = verify();
    CHECK_FALSE(response.well);
    CHECK(response.findings.empty());
    CHECK(response.message ==
          "nothing wrong was found in 1 job, 0 containers and 1 file of output, but not all could "
          "be checked");
    REQUIRE(response.not_checked.size() == 1);
    CHECK(response.not_checked.front() == "containers: the engine can't be asked: it went away");
}

TEST_CASE_METHOD(VerifyWorld,
                 "findings are listed up to the limit and counted beyond it",
                 "[service][verify]") {
    std::filesystem::create_directories(dir.path() / "logs");
    for (int i = 0; i < 3; ++i)
        write_file(dir.path() / "logs" / ("stray" + std::to_string(i)));
    VerifyRequest request;
    request.limit = 3;
    CHECK(verify(request).findings.size() == 3);
    CHECK(verify(request).left_out == 0);
    request.limit = 2;
    VerifyResponse response = verify(request);
    CHECK(response.findings.size() == 2);
    CHECK(response.left_out == 1);
    CHECK(response.found.at("orphaned") == 3);
    VerifyRequest hasty;
    hasty.late = Span{VerifyRequest::late_min};
    CHECK(verify(hasty).well == false);
    hasty.late = Span{VerifyRequest::late_min - 1ms};
    CHECK(begin(hasty)->result->error().code == ErrorCode::bad_field);
    for (std::int64_t wrong : {std::int64_t{0}, VerifyRequest::limit_max + 1}) {
        request.limit = wrong;
        auto answer = begin(request);
        REQUIRE(answer->result);
        CHECK(answer->result->error().code == ErrorCode::bad_field);
    }
}

TEST_CASE_METHOD(VerifyWorld,
                 "more suspicions than fit are looked at in turns, and the findings end",
                 "[service][verify]") {
    std::filesystem::create_directories(dir.path() / "logs");
    auto many = Verification::suspicions_max + 1;
    for (std::size_t i = 0; i < many; ++i)
        write_file(dir.path() / "logs" / ("stray" + std::to_string(i)));
    auto answer = begin();
    pass(20s);
    REQUIRE(answer->result);
    CHECK((*answer->result)->found.at("orphaned") == static_cast<std::int64_t>(many));
    CHECK((*answer->result)->findings.size() == VerifyRequest::limit_default);

    (void)finished();
    tamper(
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 10500) INSERT "
        "INTO job(id, name, spec, status, created_at, due_at, rank, submitted_by) SELECT "
        "randomblob(16), 'x', '{}', 'canceled', 0, 0, 0, 'test' FROM n");
    auto second = begin();
    pass(20s);
    REQUIRE(second->result);
    REQUIRE((*second->result)->not_checked.size() == 1);
    CHECK((*second->result)->not_checked.front().find("whatever comes after the first") == 0);
    CHECK((*second->result)->jobs_checked < 10'500);
}

TEST_CASE_METHOD(VerifyWorld,
                 "only so many run at once, and who goes away makes room",
                 "[service][verify]") {
    std::vector<std::shared_ptr<Answer>> answers;
    for (int i = 0; i < VerifyRequest::at_once_max; ++i)
        answers.push_back(begin());
    auto refused = begin();
    REQUIRE(refused->result);
    CHECK(refused->result->error().code == ErrorCode::busy);
    answers.back()->token.reset();
    auto taken = begin();
    pass(1s);
    REQUIRE(taken->result);
    CHECK(*taken->result);
    REQUIRE(answers.front()->result);
    CHECK_FALSE(answers.back()->result);
}

TEST_CASE_METHOD(VerifyWorld, "its pages are read by the key", "[service][verify]") {
    Database database(dir.path() / "db", Database::Mode::reader);
    auto plan = [&](const std::string& sql) {
        Query query = database.query_text("EXPLAIN QUERY PLAN " + sql);
        std::string text;
        while (query.step())
            text += query.text(3) + '\n';
        return text;
    };
    CHECK(plan("SELECT id FROM job WHERE number > 5 ORDER BY number LIMIT 9") ==
          "SEARCH job USING INTEGER PRIMARY KEY (rowid>?)\n");
    CHECK(plan("SELECT seq, at FROM event INDEXED BY event_job WHERE job = 1 ORDER BY seq DESC "
               "LIMIT 9") == "SEARCH event USING INDEX event_job (job=?)\n");
    CHECK(plan("SELECT attempt FROM attempt WHERE job = 1 ORDER BY attempt") ==
          "SEARCH attempt USING PRIMARY KEY (job=?)\n");
}

TEST_CASE_METHOD(VerifyWorld,
                 "an engine that goes away in the middle is said, not taken for proof",
                 "[service][verify]") {
    (void)finished();
    (void)stray("c9", unknown_id, 1);
    auto answer = begin();
    executor.run();
    engine.go_down();
    pass(10s);
    REQUIRE(answer->result);
    REQUIRE(*answer->result);
    CHECK_FALSE((*answer->result)->well);
    REQUIRE((*answer->result)->not_checked.size() == 1);
    CHECK((*answer->result)->not_checked.front().find("the engine can't be asked") !=
          std::string::npos);
}

TEST_CASE_METHOD(VerifyWorld, "output that is shorter than it was is lost", "[service][verify]") {
    JobId id = finished();
    std::filesystem::resize_file(file_of(id, ".1"), 3);
    CHECK(only_finding() ==
          "lost: job 1 (test/busybox:1) stored 18 bytes as its output, and 3 are "
          "there");
}

}  // namespace scheduler::test
