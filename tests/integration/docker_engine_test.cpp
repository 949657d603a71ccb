// The engine client against a real engine: $DOCKER_HOST or the usual sockets, with the image
// test/busybox:1 (tests/support/start-docker.sh, tests/support/make-test-image.sh). Without an
// engine each test fails.
#include "daemon/engine/docker/docker_engine.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/engine_driver.hpp"

using namespace scheduler;
using namespace scheduler::testing;
using Kind = EngineFailure::Kind;
using Phase = ContainerState::Phase;

namespace {

constexpr const char* label = "schedulerd.engine-test";

/// Containers of one test, with names that no other run uses; removed at its end.
class RealEngine : public EngineDriver {
  public:
    RealEngine()
        : EngineDriver(find_engine("", EngineEnvironment::of_process()).value()),
          run_(fmt::format(
              "{}-{}", ::getpid(), std::chrono::steady_clock::now().time_since_epoch().count())) {
        auto found = connect();
        if (!found) FAIL(found.error().message);
        identity = *found;
    }
    ~RealEngine() {
        for (const std::string& container : created_) {
            finish(container,
                   [&](auto reply) { engine->stop(container, Duration(0), std::move(reply)); });
            finish(container, [&](auto reply) { engine->remove(container, std::move(reply)); });
        }
    }
    RealEngine(const RealEngine&) = delete;
    RealEngine& operator=(const RealEngine&) = delete;

    ContainerRequest request(std::vector<std::string> command) {
        ContainerRequest result;
        result.name = fmt::format("engine-test-{}-{}", run_, ++names_);
        result.image = "test/busybox:1";
        result.spec.command = std::move(command);
        result.labels = {{label, run_}};
        result.log_bytes_max = 1024 * 1024;
        return result;
    }
    std::string made(const ContainerRequest& request) {
        auto id = create(request);
        if (!id) FAIL(id.error().message);
        created_.push_back(*id);
        return *id;
    }
    std::string made_of(std::vector<std::string> command) {
        return made(request(std::move(command)));
    }
    std::string started(std::vector<std::string> command) {
        std::string id = made_of(std::move(command));
        auto result = start(id);
        if (!result) FAIL(result.error().message);
        return id;
    }
    ContainerState ended(const std::string& id) {
        ContainerState state;
        run_until([&] {
            state = inspect(id).value();
            return state.phase == Phase::ended;
        });
        return state;
    }
    struct Output {
        std::string out;
        std::string err;
        std::vector<std::chrono::sys_time<std::chrono::nanoseconds>> times;
    };
    Output output(const std::string& id, bool follow = false) {
        Output result;
        auto end = logs(id, follow, [&](const LogFrame& frame) {
            (frame.stream == LogStream::out ? result.out : result.err) += frame.bytes;
            result.times.push_back(frame.at);
            return true;
        });
        if (!end) FAIL(end.error().message);
        return result;
    }
    [[nodiscard]] const std::string& run() const { return run_; }

    EngineIdentity identity;

  private:
    /// Without assertions, which must not throw here.
    template <class Call>
    void finish(const std::string&, Call call) {
        bool is_done = false;
        call(EngineReply<Done>([&is_done](auto) { is_done = true; }));
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
        while (!is_done && std::chrono::steady_clock::now() < deadline) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
    }

    std::string run_;
    int names_ = 0;
    std::vector<std::string> created_;
};

}  // namespace

TEST_CASE("a real engine says who it is", "[engine]") {
    RealEngine real;
    CHECK_FALSE(real.identity.id.empty());
    CHECK_THAT(real.identity.name, Catch::StartsWith("Docker ") || Catch::StartsWith("Podman "));
    CHECK(real.identity.cores >= 1);
    CHECK(real.ping());
    CHECK(real.connect()->id == real.identity.id);
}

TEST_CASE("a container's exit code, times, output and labels are seen", "[engine]") {
    RealEngine real;
    auto request = real.request({"sh", "-c", "echo out; echo err >&2; printf \"$A\"; exit 3"});
    request.spec.env = {{"A", "x=y\nz"}};
    request.labels["note"] = "two\nlines, ü";
    std::string id = real.made(request);
    auto before = real.inspect(request.name).value();
    CHECK(before.id == id);
    CHECK(before.phase == Phase::created);
    CHECK_FALSE(before.started_at);
    CHECK(before.labels.at("note") == "two\nlines, ü");

    REQUIRE(real.start(id));
    auto state = real.ended(id);
    CHECK(state.exit_code == 3);
    CHECK(state.error.empty());
    CHECK_FALSE(state.out_of_memory);
    REQUIRE(state.started_at);
    REQUIRE(state.finished_at);
    CHECK(*state.finished_at >= *state.started_at);
    auto age = std::chrono::system_clock::now() - *state.started_at;
    CHECK(age < std::chrono::hours(1));

    auto output = real.output(id);
    CHECK(output.out == "out\nx=y\nz");
    CHECK(output.err == "err\n");
    for (auto at : output.times)
        CHECK(at.time_since_epoch() > std::chrono::hours(24 * 365 * 50));
    CHECK(real.remove(id));
    CHECK(real.inspect(id).error().kind == Kind::not_found);
    CHECK(real.remove(id));  // gone is removed
}

TEST_CASE("exit code 0 is success, and starting a running container again too", "[engine]") {
    RealEngine real;
    CHECK(real.ended(real.started({"true"})).exit_code == 0);
    std::string id = real.started({"sleep", "1000"});
    CHECK(real.start(id));
    CHECK(real.inspect(id)->phase == Phase::running);
}

TEST_CASE("what can't be created is refused in the engine's words", "[engine]") {
    RealEngine real;
    auto missing = real.request({"true"});
    missing.image = "test/nosuch:1";
    auto result = real.create(missing);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::refused);
    CHECK_THAT(result.error().message, Catch::Contains("No such image", Catch::CaseSensitive::No));
    CHECK(real.has_image("test/nosuch:1").value() == false);
    CHECK(real.has_image("test/busybox:1").value() == true);

    auto upper = real.request({"true"});
    upper.image = "JOB_A";
    CHECK_THAT(real.create(upper).error().message,
               Catch::Contains("repository name must be lowercase"));

    auto idle = real.create(real.request({}));
    REQUIRE_FALSE(idle);
    CHECK(idle.error().kind == Kind::refused);
    CHECK_THAT(idle.error().message, Catch::Contains("No command", Catch::CaseSensitive::No));

    auto unnamed = real.request({"true"});
    unnamed.name = "!";
    CHECK(real.create(unnamed).error().kind == Kind::refused);
}

TEST_CASE("a name that is taken is told from other refusals", "[engine]") {
    RealEngine real;
    auto request = real.request({"true"});
    std::string id = real.made(request);
    auto again = real.create(request);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind == Kind::name_taken);
    CHECK(real.inspect(request.name)->id == id);
}

TEST_CASE("a start that fails leaves a container that never ran", "[engine]") {
    struct Row {
        std::vector<std::string> command;
        int exit_code;
        const char* words;
    };
    auto row = GENERATE(values<Row>({{{"nosuchcommand"}, 127, "not found"},
                                     {{"/nosuch/file"}, 127, "no such file or directory"},
                                     {{"/etc/passwd"}, 126, "permission denied"},
                                     {{"/etc"}, 126, "permission denied"}}));
    RealEngine real;
    std::string id = real.made_of(row.command);
    auto result = real.start(id);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::refused);
    CHECK_THAT(result.error().message,
               Catch::Contains(row.words) || Catch::Contains("is a directory"));
    auto state = real.inspect(id).value();
    CHECK(state.phase == Phase::created);
    CHECK_FALSE(state.started_at);
    // Podman 4.3 keeps no trace of it.
    if (real.identity.name.starts_with("Docker")) {
        CHECK(state.exit_code == row.exit_code);
        CHECK(state.error == result.error().message);
    }
}

TEST_CASE("calls for a container that is not there are not_found", "[engine]") {
    RealEngine real;
    std::string nobody = "engine-test-nobody-" + real.run();
    CHECK(real.start(nobody).error().kind == Kind::not_found);
    CHECK(real.stop(nobody, Duration(1000)).error().kind == Kind::not_found);
    CHECK(real.stop(nobody, Duration(0)).error().kind == Kind::not_found);
    CHECK(real.inspect(nobody).error().kind == Kind::not_found);
    CHECK(real.remove(nobody));
    CHECK(real.logs(nobody, false, [](const LogFrame&) { return true; }).error().kind ==
          Kind::not_found);
}

TEST_CASE("stop sends the signal, then kills after the grace", "[engine]") {
    RealEngine real;
    std::string polite =
        real.started({"sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done"});
    real.run_until([&] { return real.output(polite).out == "ready\n"; });
    CHECK(real.stop(polite, Duration(10'000)));
    CHECK(real.inspect(polite)->exit_code == 7);

    std::string stubborn = real.started({"sleep", "1000"});  // as PID 1 it ignores SIGTERM
    CHECK(real.stop(stubborn, Duration(1)));
    auto state = real.inspect(stubborn).value();
    CHECK(state.phase == Phase::ended);
    CHECK(state.exit_code == 137);
    CHECK_FALSE(state.out_of_memory);
    CHECK(real.stop(stubborn, Duration(1000)));  // was not running
}

TEST_CASE("without grace it is killed at once", "[engine]") {
    RealEngine real;
    std::string id = real.started({"sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"});
    CHECK(real.stop(id, Duration(0)));
    CHECK(real.ended(id).exit_code == 137);
    CHECK(real.stop(id, Duration(0)));
    std::string never = real.made_of({"true"});
    CHECK(real.stop(never, Duration(0)));
    CHECK(real.stop(never, Duration(1000)));
    CHECK(real.inspect(never)->phase == Phase::created);
}

TEST_CASE("a running container is not removed", "[engine]") {
    RealEngine real;
    std::string id = real.started({"sleep", "1000"});
    auto result = real.remove(id);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::refused);
    CHECK(real.inspect(id)->phase == Phase::running);
}

TEST_CASE("output is followed until the container ends", "[engine]") {
    RealEngine real;
    std::string id =
        real.started({"sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done; echo end"});
    CHECK(real.output(id, true).out == "1\n2\n3\nend\n");
    CHECK(real.ended(id).exit_code == 0);
    CHECK(real.output(id, true).out == "1\n2\n3\nend\n");  // of an ended one it ends at once
    std::string silent = real.started({"true"});
    CHECK(real.output(silent, true).out.empty());
    CHECK(real.output(real.made_of({"true"}), true).out.empty());
}

// Docker 20.10 may close a followed stream before the last line if that has no newline; asked again
// after the end it gives all. So the end of a job's output is read again when it has ended.
TEST_CASE("a last line without a newline is there after the end", "[engine]") {
    RealEngine real;
    std::string id = real.started({"sh", "-c", "echo 1; printf end"});
    CHECK(real.ended(id).exit_code == 0);
    CHECK(real.output(id, false).out == "1\nend");
}

TEST_CASE("a reader of output can stop before its end", "[engine]") {
    RealEngine real;
    std::string id = real.started({"sh", "-c", "while :; do echo x; sleep 0.05; done"});
    int frames = 0;
    CHECK(real.logs(id, true, [&](const LogFrame&) { return ++frames < 3; }));
    CHECK(frames == 3);
}

TEST_CASE("long lines come whole, of endless output the newest part stays", "[engine][bulk]") {
    RealEngine real;
    std::string line_id = real.started(
        {"sh",
         "-c",
         "for i in 1 2; do head -c 65536 /dev/zero | tr '\\0' x; echo; done; echo end"});
    real.ended(line_id);
    std::string line = std::string(65536, 'x') + '\n';
    CHECK(real.output(line_id).out == line + line + "end\n");
    std::string odd_id = real.started(
        {"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; printf '\\377\\0\\n'"});
    real.ended(odd_id);
    CHECK(real.output(odd_id).out == std::string(100'000, 'x') + '\n' + std::string("\xff\0\n", 3));

    auto request = real.request(
        {"sh",
         "-c",
         "yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | "
         "head -n 2000000; echo last"});
    request.log_bytes_max = 512 * 1024;
    std::string id = real.made(request);
    REQUIRE(real.start(id));
    real.ended(id);
    std::string out = real.output(id).out;
    CHECK(out.size() >= 512 * 1024);
    CHECK(out.size() < 2 * 64 * 1024 * 1024);
    CHECK(out.ends_with("\nlast\n"));
}

TEST_CASE("the end of an output can be read alone", "[engine]") {
    RealEngine real;
    std::string id = real.started({"sh", "-c", "seq 1 1000; printf end"});
    real.ended(id);
    std::string out;
    auto end = real.wait<Done>([&](auto reply) {
        real.engine->logs(
            id,
            LogReading{false, 3, nullptr},
            [&](const LogFrame& frame) {
                out += frame.bytes;
                return true;
            },
            std::move(reply));
    });
    REQUIRE(end);
    CHECK(out == "999\n1000\nend");
}

TEST_CASE("the watch tells of ends under its label alone", "[engine]") {
    RealEngine real;
    bool is_open = false;
    std::vector<std::string> ended;
    std::optional<EngineFailure> broken;
    real.engine->watch(label,
                       real.run(),
                       {[&] { is_open = true; },
                        [&](const std::string& id) { ended.push_back(id); },
                        [&](const EngineFailure& failure) { broken = failure; }});
    real.run_until([&] { return is_open; });
    auto foreign = real.request({"true"});
    foreign.labels = {{label, "another"}, {"exitCode", "99"}};
    std::string other = real.made(foreign);
    REQUIRE(real.start(other));
    real.ended(other);
    auto request = real.request({"sh", "-c", "exit 4"});
    request.labels["exitCode"] = "99";  // would replace the code of the event
    std::string id = real.made(request);
    REQUIRE(real.start(id));
    real.run_until([&] { return !ended.empty(); });
    CHECK(ended == std::vector<std::string>{id});
    auto state = real.inspect(id).value();
    CHECK(state.phase == Phase::ended);
    CHECK(state.exit_code == 4);
    CHECK_FALSE(broken);
}

TEST_CASE("a list holds all containers of a label, in any state", "[engine]") {
    RealEngine real;
    CHECK(real.list(label, real.run())->empty());
    auto request = real.request({"true"});
    std::string created = real.made(request);
    std::string running = real.started({"sleep", "1000"});
    std::string exited = real.started({"true"});
    real.ended(exited);
    auto list = real.list(label, real.run()).value();
    REQUIRE(list.size() == 3);
    for (const ContainerSummary& summary : list) {
        CHECK(summary.is_running == (summary.id == running));
        CHECK(summary.labels.at(label) == real.run());
        if (summary.id == created) CHECK(summary.name == request.name);
    }
    CHECK(real.list(label, "nobody's")->empty());
}

TEST_CASE("parallel starts, a ping and a stop all get their answers", "[engine]") {
    RealEngine real;
    std::string victim = real.started({"sleep", "1000"});
    std::vector<std::string> ids;
    for (int i = 0; i < 6; ++i)
        ids.push_back(real.made_of({"true"}));
    int replies = 0;
    for (const std::string& id : ids)
        real.engine->start(id, [&](auto result) { replies += result.has_value() ? 1 : 0; });
    CHECK(real.ping());
    CHECK(real.stop(victim, Duration(0)));
    real.run_until([&] { return replies == 6; });
}

namespace {

/// An engine of this test alone, which it may kill, in a network namespace of its own. Without that
/// it would take docker0 away from the machine's other engine: Docker 20.10 removes that bridge
/// when it starts with --bridge=none.
class PrivateEngine {
  public:
    PrivateEngine() {
        std::string pattern = "/tmp/engine-test-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) FAIL("mkdtemp failed");
        directory_ = pattern;
    }
    ~PrivateEngine() { (void)script("purge"); }
    PrivateEngine(const PrivateEngine&) = delete;
    PrivateEngine& operator=(const PrivateEngine&) = delete;

    [[nodiscard]] bool start() const { return script("start"); }
    [[nodiscard]] bool stop() const { return script("stop"); }
    [[nodiscard]] bool make_image() const {
        return run("DOCKER_HOST=" + address() +
                   " " PROJECT_SOURCE_DIR "/tests/support/make-test-image.sh");
    }
    [[nodiscard]] std::string address() const { return "unix://" + directory_ + "/docker.sock"; }

  private:
    static bool run(const std::string& command) {
        return std::system((command + " >/dev/null").c_str()) ==
               0;  // NOLINT(concurrency-mt-unsafe)
    }
    [[nodiscard]] bool script(const std::string& action) const {
        return run(
            "DOCKERD_FLAGS='--bridge=none --iptables=false --ip6tables=false' "
            "unshare --net " PROJECT_SOURCE_DIR "/tests/support/start-docker.sh --private " +
            directory_ + " " + action);
    }
    std::string directory_;
};

}  // namespace

TEST_CASE("a real engine that stops and comes back is used again", "[engine]") {
    if (::geteuid() != 0) {
        WARN("skipped: a private engine needs root");
        return;
    }
    PrivateEngine private_engine;
    REQUIRE(private_engine.start());
    REQUIRE(private_engine.make_image());
    EngineDriver driver(private_engine.address());
    auto identity = driver.connect().value();
    ContainerRequest request;
    request.name = "engine-test";
    request.image = "test/busybox:1";
    request.spec.command = {"sh", "-c", "exit 5"};
    std::string id = driver.create(request).value();
    bool is_open = false;
    int broken = 0;
    driver.engine->watch(label,
                         "x",
                         {[&] { is_open = true; },
                          [](const std::string&) {},
                          [&](const EngineFailure&) { ++broken; }});
    driver.run_until([&] { return is_open; });

    REQUIRE(private_engine.stop());
    driver.run_until([&] { return broken == 1; });
    CHECK(driver.ping().error().kind == Kind::no_answer);
    CHECK(driver.start(id).error().kind == Kind::no_answer);
    CHECK(driver.connect().error().kind == Kind::no_answer);

    REQUIRE(private_engine.start());
    CHECK(driver.connect()->id == identity.id);
    CHECK(driver.inspect(id)->phase == Phase::created);
    CHECK(driver.start(id));
    driver.run_until([&] { return driver.inspect(id)->phase == Phase::ended; });
    CHECK(driver.inspect(id)->exit_code == 5);
    CHECK(broken == 1);

    // It knows whom it started, until it restarts.
    auto ended = driver.inspect(id).value();
    auto remembers = [&] {
        return driver.wait<bool>([&](auto reply) {
            driver.engine->remembers_start(
                id, *ended.started_at, *ended.finished_at, std::move(reply));
        });
    };
    CHECK(remembers().value());
    using Memory = Engine::Memory;
    auto remembers_creation = [&](const std::string& container) {
        return driver
            .wait<Memory>(
                [&](auto reply) { driver.engine->remembers_creation(container, std::move(reply)); })
            .value();
    };
    CHECK(remembers_creation(id) == Memory::no);  // it restarted since
    request.name = "engine-test-2";
    std::string second = driver.create(request).value();
    CHECK(remembers_creation(second) == Memory::yes);
    REQUIRE(private_engine.stop());
    REQUIRE(private_engine.start());
    REQUIRE(driver.connect());
    CHECK_FALSE(remembers().value());
    CHECK(remembers_creation(second) == Memory::no);

    // Another engine on this host, if there is one, is another one.
    EngineDriver usual(find_engine("", EngineEnvironment::of_process()).value());
    auto other = usual.connect();
    if (other) CHECK(other->id != identity.id);
}
