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

}  // namespace scheduler
