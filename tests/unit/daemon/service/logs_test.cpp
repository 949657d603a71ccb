/// Output as it is given: at once, or after a second of an engine that hangs.

#include "daemon/service/service.hpp"
#include "tests/support/service_world.hpp"

namespace scheduler {
namespace {

using namespace test;

struct LogsWorld : ServiceWorld {
    using Stream = scheduler::Stream<LogChunk>;

    std::unique_ptr<Stream> open(JobId job, const std::function<void(LogsRequest&)>& set = {}) {
        LogsRequest request;
        request.job_id = JobRef{job.to_string()};
        if (set) set(request);
        auto stream = service.handle(request, Caller{"uid:1"});
        REQUIRE(stream);
        return std::move(*stream);
    }
    /// The next piece, or nothing when none came yet; an empty one is the end.
    std::optional<std::string> next(Stream& stream) {
        std::optional<std::string> text;
        stream.next([&](Result<std::optional<LogChunk>> chunk) {
            REQUIRE(chunk);
            text = *chunk ? (**chunk).data.bytes : "";
        });
        executor.run();
        for (Duration passed{}; !text && passed < 1s; passed += 100ms)
            pass(100ms);
        return text;
    }
    std::string all(Stream& stream) {
        std::string text;
        for (auto piece = next(stream); piece && !piece->empty(); piece = next(stream))
            text += *piece;
        return text;
    }
};

}  // namespace

TEST_CASE_METHOD(LogsWorld, "output is given though the engine hangs", "[service]") {
    JobId id = add(0s);
    pass(1s);
    REQUIRE(job(id).status == JobStatus::running);
    const std::string container = engine.containers.begin()->first;
    auto follower = open(id, [](LogsRequest& request) { request.follow = true; });
    executor.run();
    engine.only().output = "one\n";
    engine.is_silent_on_logs = true;
    engine.bring_output(container);
    executor.run();
    auto stream = open(id);
    CHECK(next(*stream) == "one\n");
    CHECK(next(*stream) == "");
}

TEST_CASE_METHOD(LogsWorld, "missing output is told in a line of its own", "[service]") {
    JobId id = add(1h);
    spool->set_limit(128 * 1024);
    auto part = spool->open_part(id, 1);
    REQUIRE(part);
    bool has_lines = GENERATE(false, true);
    const std::string line = has_lines ? std::string(998, 'x') + '\n' : std::string(999, 'x');
    for (int i = 0; i < 300; ++i) {
        OutputBatch batch;
        batch.add(LogStream::out, 0, line);
        REQUIRE((*part)->append(batch));
    }
    store->cancel(id, clock.now(), "removed", [](Result<Done>) {});
    executor.run();
    std::string text = all(*open(id));
    auto gap = text.find("[schedulerd: ");
    REQUIRE(gap != std::string::npos);
    REQUIRE(gap >= 2);
    CHECK(text[gap - 1] == '\n');
    CHECK(text[gap - 2] == 'x');
    CHECK(text.find("limit]\nx", gap) != std::string::npos);

    std::string stamped = all(*open(id, [](LogsRequest& request) { request.timestamps = true; }));
    CHECK(stamped.find("\n1970-01-01T00:00:00.000000000Z [schedulerd: ") != std::string::npos);
    CHECK(stamped.find("Z \n") == std::string::npos);
    CHECK(stamped.find("limit]\n1970-01-01T00:00:00.000000000Z x") != std::string::npos);

    auto lines = std::count(text.begin(), text.end(), '\n') + (has_lines ? 0 : 1);
    auto after_gap = std::count(text.begin() + static_cast<std::ptrdiff_t>(gap), text.end(), '\n') +
                     (has_lines ? 0 : 1);
    std::string from_gap = all(*open(id, [&](LogsRequest& request) {
        request.timestamps = true;
        request.tail = after_gap;
    }));
    CHECK(from_gap.find("1970-01-01T00:00:00.000000000Z [schedulerd: ") == 0);
    for (std::int64_t tail : {std::ptrdiff_t{0},
                              std::ptrdiff_t{1},
                              after_gap - 1,
                              after_gap,
                              after_gap + 1,
                              lines,
                              lines + 1}) {
        INFO(tail);
        std::string last = all(*open(id, [&](LogsRequest& request) { request.tail = tail; }));
        CHECK(text.substr(text.size() - last.size()) == last);
        CHECK(std::count(last.begin(), last.end(), '\n') + (has_lines || tail == 0 ? 0 : 1) ==
              std::min<std::int64_t>(tail, lines));
    }
}

// An item for each line once cost ten times as much as its bytes.
TEST_CASE_METHOD(LogsWorld, "lines of one stream come together, and streams apart", "[service]") {
    JobId id = add(1h);
    OutputBatch batch;
    batch.add(LogStream::out, 1, "one\n");
    batch.add(LogStream::out, 2, "two\n");
    batch.add(LogStream::err, 3, "three\n");
    batch.add(LogStream::out, 4, "four\n");
    auto part = spool->open_part(id, 1);
    REQUIRE(part);
    REQUIRE((*part)->append(batch));
    store->cancel(id, clock.now(), "removed", [](Result<Done>) {});
    executor.run();
    auto stream = open(id);
    CHECK(next(*stream) == "one\ntwo\n");
    CHECK(next(*stream) == "three\n");
    CHECK(next(*stream) == "four\n");
    CHECK(next(*stream) == "");
}

TEST_CASE_METHOD(LogsWorld, "output whose files are absent is said to be so", "[service]") {
    JobId id = add(0s);
    pass(1s);
    engine.only().output = "gone\n";
    engine.end(engine.containers.begin()->first, 0);
    pass(1s);
    REQUIRE(job(id).finish_status == FinishStatus::success);
    CHECK(all(*open(id)) == "gone\n");
    REQUIRE(spool->remove(id, 1));
    LogsRequest request;
    request.job_id = JobRef{id.to_string()};
    auto stream = service.handle(request, Caller{"uid:1"});
    REQUIRE_FALSE(stream);
    CHECK(stream.error().code == ErrorCode::gone);
    CHECK_THAT(stream.error().message,
               Catch::Matchers::Contains("is not there: " + spool->directory().native()));
}

/// With a job whose first attempt printed `one` and failed, and whose second one runs.
struct TriedLogs : LogsWorld {
    TriedLogs() {
        JobSpec spec;
        spec.retries.emplace().max = 2;
        id = add(0s, std::move(spec));
    }
    void end_attempt(const std::string& output, std::int64_t exit_code) {
        const std::string container = engine.containers.begin()->first;
        engine.only().output = output;
        engine.end(container, exit_code);
        executor.run();
    }
    JobId id;
};

TEST_CASE_METHOD(TriedLogs, "who follows a job hears each of its attempts", "[service]") {
    auto follower = open(id, [](LogsRequest& request) { request.follow = true; });
    end_attempt("one\n", 1);
    CHECK(next(*follower) == "one\n");
    pass(11s);
    REQUIRE(job(id).attempt == 2);
    end_attempt("two\n", 0);
    CHECK(all(*follower) == "two\n");
}

TEST_CASE_METHOD(TriedLogs,
                 "an attempt's output is read by its number, else the last one's",
                 "[service]") {
    end_attempt("one\n", 1);
    CHECK(all(*open(id)) == "one\n");
    auto first = open(id, [](LogsRequest& request) {
        request.attempt = 1;
        request.follow = true;
    });
    CHECK(all(*first) == "one\n");
    pass(11s);
    end_attempt("two\n", 0);
    CHECK(all(*open(id)) == "two\n");
    CHECK(all(*open(id, [](LogsRequest& request) { request.attempt = 1; })) == "one\n");
    LogsRequest request;
    request.job_id = JobRef{id.to_string()};
    request.attempt = 3;
    auto none = service.handle(request, Caller{"uid:1"});
    REQUIRE_FALSE(none);
    CHECK(none.error().message == "attempt 3 does not exist; there were 2");
}

TEST_CASE_METHOD(TriedLogs, "what is left out at the beginning is of one attempt", "[service]") {
    engine.only().output = "a\nb";
    auto follower = open(id, [](LogsRequest& request) {
        request.follow = true;
        request.tail = 0;
    });
    executor.run();
    end_attempt("a\nb", 1);
    pass(11s);
    end_attempt("one\ntwo\n", 0);
    CHECK(all(*follower) == "one\ntwo\n");
}

TEST_CASE_METHOD(TriedLogs,
                 "a follower that breaks off goes on in the attempt that it read",
                 "[service]") {
    auto place_after = [&](const char* text, std::optional<std::string> after = std::nullopt) {
        auto stream = open(id, [&](LogsRequest& request) {
            request.follow = true;
            request.after = after;
        });
        std::optional<std::string> place;
        while (!place) {
            stream->next([&](Result<std::optional<LogChunk>> chunk) {
                REQUIRE(chunk);
                REQUIRE(*chunk);
                CHECK((**chunk).data.bytes == text);
                place = (**chunk).place;
            });
            pass(1s);
        }
        return *place;
    };
    end_attempt("one\n", 1);
    std::string first = place_after("one\n");
    CHECK(first.find(':') == std::string::npos);
    pass(11s);
    end_attempt("two\n", 1);
    std::string second = place_after("two\n", first);
    CHECK(second.starts_with("2:"));
    pass(11s);
    end_attempt("three\n", 0);
    std::string third = place_after("three\n", second);
    CHECK(all(*open(id, [&](LogsRequest& request) {
              request.follow = true;
              request.after = third;
          })) == "");
    LogsRequest request;
    request.job_id = JobRef{id.to_string()};
    request.after = second;
    request.attempt = 1;
    auto mixed = service.handle(request, Caller{"uid:1"});
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().code == ErrorCode::bad_field);
}

}  // namespace scheduler
