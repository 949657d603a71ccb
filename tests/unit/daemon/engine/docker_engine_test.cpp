// The engine client against a server that misbehaves on purpose.
#include "daemon/engine/docker/docker_engine.hpp"

#include <atomic>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/engine_driver.hpp"
#include "tests/support/scripted_engine.hpp"

using namespace scheduler;
using namespace scheduler::testing;
using Kind = EngineFailure::Kind;

namespace {

/// Introduces itself, and hands everything else to `rest`, until the client closes.
ScriptedEngine::Script introduced(
    std::function<void(ScriptedSession&, const ScriptedRequest&)> rest) {
    return [rest = std::move(rest)](ScriptedSession& session, int) {
        while (auto request = session.read()) {
            if (auto known = introduction(*request))
                session.write(*known);
            else
                rest(session, *request);
        }
    };
}

EngineTimeouts short_timeouts() {
    EngineTimeouts timeouts;
    for (Duration* each : {&timeouts.query,
                           &timeouts.create,
                           &timeouts.start,
                           &timeouts.stop_reserve,
                           &timeouts.remove,
                           &timeouts.log_silence})
        *each = Duration(200);
    return timeouts;
}

void must_connect(EngineDriver& driver) {
    auto identity = driver.connect();
    if (!identity) FAIL(identity.error().message);
}

std::string inspect_answer(const std::string& id) {
    return http_answer("200 OK",
                       R"({"Id":")" + id + R"(","State":{"Status":"created","ExitCode":0}})");
}

}  // namespace

TEST_CASE("connecting tells who the engine is", "[engine]") {
    ScriptedEngine server(introduced([](auto&, const auto&) {}));
    EngineDriver driver(server.address());
    auto identity = driver.connect();
    REQUIRE(identity);
    CHECK(identity->id == "AB:CD /data");
    CHECK(identity->name == "Docker 20.10.24");
    CHECK(identity->address == server.address());
    CHECK(identity->api_version == "1.41");
    CHECK(identity->cores == 2);
}

TEST_CASE("each failure to connect names the address and the reason", "[engine]") {
    std::string missing = "unix:///nonexistent/docker.sock";
    auto nothing = EngineDriver(missing).connect();
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().kind == Kind::no_answer);
    CHECK(nothing.error().message ==
          "can't reach the engine at " + missing + ": No such file or directory (is it running?)");

    ScriptedEngine killed([](auto&, int) {});
    killed.kill();
    auto refused = EngineDriver(killed.address()).connect();
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("Connection refused (is it running?)"));

    auto tcp = EngineDriver("tcp://127.0.0.1:1").connect();
    REQUIRE_FALSE(tcp);
    CHECK_THAT(tcp.error().message, Catch::Contains("tcp://127.0.0.1:1: Connection refused"));
}

TEST_CASE("an engine that is too old or no engine is refused with a sentence", "[engine]") {
    ScriptedEngine old([](ScriptedSession& session, int) {
        while (auto request = session.read())
            session.write(*introduction(*request, "1.24"));
    });
    auto result = EngineDriver(old.address()).connect();
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::refused);
    CHECK_THAT(result.error().message, Catch::Contains(old.address()));
    CHECK_THAT(result.error().message, Catch::Contains("API version 1.24 is too old; 1.41"));

    ScriptedEngine other([](ScriptedSession& session, int) {
        while (session.read())
            session.write(http_answer("200 OK", "hello"));
    });
    CHECK_THAT(EngineDriver(other.address()).connect().error().message,
               Catch::Contains("is it a Docker Engine or Podman?"));

    ScriptedEngine noise([](ScriptedSession& session, int) {
        while (session.read())
            session.write("220 mail.example.org ESMTP\r\n\r\n");
    });
    auto garbled = EngineDriver(noise.address()).connect();
    REQUIRE_FALSE(garbled);
    CHECK(garbled.error().kind == Kind::no_answer);
    CHECK_THAT(garbled.error().message, Catch::Contains("no HTTP"));
}

TEST_CASE("the first candidate that answers is used, each time anew", "[engine]") {
    ScriptedEngine first(introduced([](auto&, const auto&) {}));
    ScriptedEngine second(introduced([](auto&, const auto&) {}));
    std::vector<EngineAddress> candidates;
    for (const auto& text :
         {std::string("unix:///nonexistent/x.sock"), first.address(), second.address()})
        candidates.push_back(EngineAddress::parse(text).value());
    EngineDriver driver(candidates);
    CHECK(driver.connect()->address == first.address());
    first.kill();
    CHECK(driver.ping().error().kind == Kind::no_answer);  // it stays with the one that it has
    CHECK(driver.connect()->address == second.address());
    CHECK(driver.ping());
    first.revive();
    CHECK(driver.connect()->address == first.address());
    first.kill();
    second.kill();
    auto none = driver.connect();
    REQUIRE_FALSE(none);
    CHECK(none.error().kind == Kind::no_answer);
    for (const EngineAddress& candidate : candidates)
        CHECK_THAT(none.error().message, Catch::Contains(candidate.to_string()));
    CHECK_THAT(none.error().message, Catch::Contains("--engine"));
}

TEST_CASE("calls before the first connect are no_answer", "[engine]") {
    EngineDriver driver("unix:///nonexistent/docker.sock");
    CHECK(driver.ping().error().kind == Kind::no_answer);
    CHECK(driver.inspect("x").error().kind == Kind::no_answer);
    bool is_broken = false;
    driver.engine->watch(
        "k",
        "v",
        {[] {}, [](const std::string&) {}, [&](const EngineFailure&) { is_broken = true; }});
    driver.run_until([&] { return is_broken; });
}

TEST_CASE("requests share a connection, and a parallel one opens another", "[engine]") {
    std::atomic<int> connections{0};
    ScriptedEngine server([&](ScriptedSession& session, int number) {
        connections = number + 1;
        while (auto request = session.read()) {
            if (request->line.find("/start") != std::string::npos) return session.wait_for_close();
            session.write(introduction(*request).value_or(inspect_answer("abc")));
        }
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    for (int i = 0; i < 5; ++i)
        CHECK(driver.inspect("abc")->id == "abc");
    CHECK(connections == 1);
    driver.engine->start("abc", [](auto) {});  // hangs, and holds the connection
    CHECK(driver.ping());
    CHECK(connections == 2);
}

TEST_CASE("a start is with the kernel when the call returns", "[engine]") {
    ScriptedEngine server(introduced([](ScriptedSession& session, const auto&) {
        session.write("HTTP/1.1 204 No Content\r\n\r\n");
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    bool has_reply = false;
    driver.engine->start("abc", [&](auto) { has_reply = true; });
    // The loop is not turned: only what the call itself has sent can arrive.
    auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (server.count("POST /v1.41/containers/abc/start") == 0)
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    CHECK_FALSE(has_reply);
    driver.run_until([&] { return has_reply; });
}

TEST_CASE("a request larger than the socket's buffer is sent whole", "[engine]") {
    std::atomic<std::size_t> body_bytes{0};
    ScriptedEngine server(introduced([&](ScriptedSession& session, const ScriptedRequest& request) {
        body_bytes = request.body.size();
        session.write(http_answer("201 Created", R"({"Id":"abc","Warnings":["odd"]})"));
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    ContainerRequest request;
    constexpr std::size_t label_bytes = 4'000'000;
    request.labels["large"] = std::string(label_bytes, 'x');
    auto id = driver.create(request);
    REQUIRE(id);
    CHECK(*id == "abc");
    CHECK(body_bytes > label_bytes);
}

TEST_CASE("a dead idle connection is replaced, for a start as well", "[engine]") {
    // The engine closes each connection after one answer without saying so.
    ScriptedEngine server([](ScriptedSession& session, int) {
        auto request = session.read();
        if (!request) return;
        session.write(introduction(*request).value_or("HTTP/1.1 204 No Content\r\n\r\n"));
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    for (int i = 0; i < 20; ++i)
        CHECK(driver.ping());
    for (int i = 0; i < 20; ++i) {
        // The end of the last connection may not have arrived yet. Then the start meets it, and may
        // fail, but is never sent twice.
        auto result = driver.start("abc");
        CHECK((result || result.error().kind == Kind::no_answer));
    }
    CHECK(server.count("/start") <= 20);
}

TEST_CASE("only a harmless request is repeated when the connection dies under it", "[engine]") {
    // Reads a request on a connection that was used before, and closes without an answer.
    ScriptedEngine server([](ScriptedSession& session, int) {
        for (int answered = 0; auto request = session.read(); ++answered) {
            auto known = introduction(*request);
            bool dies = answered > 0 && request->line.find("/containers/") != std::string::npos;
            if (dies) return;
            session.write(known.value_or(inspect_answer("abc")));
        }
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    CHECK(driver.inspect("abc"));
    CHECK(server.count("/containers/abc/json") == 2);

    must_connect(driver);
    auto start = driver.start("abc");
    REQUIRE_FALSE(start);
    CHECK(start.error().kind == Kind::no_answer);
    CHECK(server.count("/start") == 1);
    CHECK_THAT(start.error().message, Catch::Contains(server.address()));
    CHECK_THAT(start.error().message, Catch::Contains("closed the connection"));

    must_connect(driver);
    CHECK(driver.create({}).error().kind == Kind::no_answer);
    CHECK(server.count("/create") == 1);
}

TEST_CASE("an answer that is cut is no_answer, and is not asked for again", "[engine]") {
    std::string whole = inspect_answer("abc");
    std::atomic<std::size_t> length{0};
    ScriptedEngine server([&](ScriptedSession& session, int) {
        while (auto request = session.read()) {
            if (auto known = introduction(*request)) {
                session.write(*known);
                continue;
            }
            return session.write(whole.substr(0, length));
        }
    });
    EngineDriver driver(server.address());
    int asked = 0;
    for (std::size_t cut : {std::size_t{1}, std::size_t{20}, whole.size() - 1}) {
        length = cut;
        must_connect(driver);
        auto state = driver.inspect("abc");
        REQUIRE_FALSE(state);
        CHECK(state.error().kind == Kind::no_answer);
        CHECK(server.count("/json") == ++asked);
    }
}

TEST_CASE("an engine that went away is used again when it is back", "[engine]") {
    ScriptedEngine server(introduced(
        [](ScriptedSession& session, const auto&) { session.write(inspect_answer("abc")); }));
    EngineDriver driver(server.address());
    must_connect(driver);
    CHECK(driver.inspect("abc"));
    server.kill();
    auto gone = driver.inspect("abc");
    REQUIRE_FALSE(gone);
    CHECK_THAT(gone.error().message, Catch::Contains("Connection refused"));
    server.revive();
    must_connect(driver);
    CHECK(driver.inspect("abc"));
}

TEST_CASE("a silent engine is given up after the time-out", "[engine]") {
    ScriptedEngine server(
        introduced([](ScriptedSession& session, const auto&) { session.wait_for_close(); }));
    EngineDriver driver(server.address(), short_timeouts());
    must_connect(driver);
    for (auto& result :
         {driver.start("abc"), driver.stop("abc", Duration(0)), driver.remove("abc")}) {
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == Kind::no_answer);
        CHECK_THAT(result.error().message, Catch::Contains("did not answer"));
        CHECK_THAT(result.error().message, Catch::Contains("within 0.2 s"));
    }
    CHECK(server.count("/start") == 1);
    CHECK(driver.inspect("abc").error().kind == Kind::no_answer);

    ScriptedEngine deaf([](ScriptedSession& session, int) { session.wait_for_close(); });
    CHECK(EngineDriver(deaf.address(), short_timeouts()).connect().error().kind == Kind::no_answer);
}

TEST_CASE("304 is success of a start and of a stop, and has no body", "[engine]") {
    ScriptedEngine server(introduced([](ScriptedSession& session, const ScriptedRequest& request) {
        if (request.line.starts_with("POST"))
            session.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n");
        else
            session.write(inspect_answer("abc"));
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    CHECK(driver.start("abc"));
    CHECK(driver.stop("abc", Duration(1500)));
    CHECK(server.count("/stop?t=2") == 1);
    CHECK(driver.inspect("abc"));
}

TEST_CASE("a chunked answer with a trailer is read, and its connection used again", "[engine]") {
    std::atomic<int> connections{0};
    ScriptedEngine server([&](ScriptedSession& session, int number) {
        connections = number + 1;
        while (auto request = session.read()) {
            if (auto known = introduction(*request)) {
                session.write(*known);
                continue;
            }
            session.write(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
            session.write(http_chunk(R"({"Id":"abc","Sta)"));
            session.write(http_chunk(R"(te":{"Status":"exited","ExitCode":3}})"));
            session.write("0\r\nX-Sum: 1\r\n\r\n");
        }
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    CHECK(driver.inspect("abc")->exit_code == 3);
    CHECK(driver.inspect("abc")->exit_code == 3);
    CHECK(connections == 1);
}

TEST_CASE("of a huge error body only the beginning is taken", "[engine]") {
    ScriptedEngine server(introduced([](ScriptedSession& session, const auto&) {
        session.write(http_answer("500 Internal Server Error", std::string(50'000'000, 'x')));
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    auto result = driver.start("abc");
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::refused);
    CHECK(result.error().message.size() < 3000);
    CHECK(driver.ping());
}

TEST_CASE("failures are told apart by what the engine says", "[engine]") {
    struct Row {
        const char* status;
        const char* message;
        Kind of_create;
        Kind of_start;
    };
    auto row = GENERATE(values<Row>({
        {"404 Not Found", "No such container: abc", Kind::refused, Kind::not_found},
        {"404 Not Found",
         "no container with name or ID \"abc\" found: no such container",
         Kind::refused,
         Kind::not_found},
        {"404 Not Found", "network nosuch not found", Kind::refused, Kind::refused},
        {"404 Not Found", "page not found", Kind::refused, Kind::refused},
        {"404 Not Found", "No such image: nosuch:latest", Kind::refused, Kind::refused},
        {"409 Conflict",
         "Conflict. The container name \"/N\" is already in use",
         Kind::name_taken,
         Kind::refused},
        {"500 Internal Server Error",
         "the container name \"N\" is already in use by ID",
         Kind::name_taken,
         Kind::refused},
        {"500 Internal Server Error", "unexpected EOF", Kind::refused, Kind::refused},
        {"400 Bad Request",
         "exec: \"x\": executable file not found in $PATH",
         Kind::refused,
         Kind::refused},
    }));
    ScriptedEngine server(introduced([&](ScriptedSession& session, const auto&) {
        std::string message;
        for (char c : std::string_view(row.message))
            message += c == '"' ? std::string("\\\"") : std::string(1, c);
        session.write(http_answer(row.status, "{\"message\":\"" + message + "\"}"));
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    auto created = driver.create({});
    auto started = driver.start("abc");
    REQUIRE_FALSE(created);
    REQUIRE_FALSE(started);
    CHECK(created.error().kind == row.of_create);
    CHECK(started.error().kind == row.of_start);
    CHECK(started.error().message == row.message);
}

namespace {

/// Creates whatever it is asked for, as Podman.
ScriptedEngine::Script generous_podman() {
    return [](ScriptedSession& session, int) {
        while (auto request = session.read()) {
            if (request->line == "GET /_ping")
                session.write(http_answer(
                    "200 OK", "OK", "Api-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\n"));
            else if (request->line.ends_with("/info"))
                session.write(http_answer(
                    "200 OK",
                    R"({"Name":"host","DockerRootDir":"/data","ServerVersion":"4.3.1"})"));
            else
                session.write(http_answer("201 Created", R"({"Id":"abc","Warnings":[]})"));
        }
    };
}

}  // namespace

// Podman 4.3 answers 201 and drops what it does not know.
TEST_CASE("what Podman would drop or do otherwise is refused before it is asked", "[engine]") {
    ScriptedEngine server(generous_podman());
    EngineDriver driver(server.address());
    must_connect(driver);
    auto refusal = [&](auto change) {
        ContainerRequest request;
        change(request.spec);
        auto created = driver.create(request);
        return created ? "" : created.error().message;
    };
    CHECK(refusal([](JobSpec& spec) { spec.memory = Size{64 << 20}; }).empty());
    CHECK(refusal([](JobSpec& spec) {
              spec.gpus = Gpus{Gpus::all, {}};
          }) == "Podman 4.3.1 gives no GPUs over this API; leave gpus out");
    CHECK(refusal([](JobSpec& spec) {
              spec.mounts = {{MountType::volume, "data", "/d,type=bind,source=/", false}};
          }) ==
          "Podman 4.3.1 takes no mounts with a comma in a path, such as /d,type=bind,source=/");
    CHECK(refusal([](JobSpec& spec) {
              spec.tmpfs = {{"/t", "size=1m,context=a:b"}};
          }) == "Podman 4.3.1 takes no : in the options of a tmpfs, as /t has");
    CHECK(refusal([](JobSpec& spec) { spec.security_opt = {"seccomp={}"}; }) ==
          "Podman 4.3.1 takes no seccomp profile over this API, but only the path of one on its "
          "host");
    CHECK(server.count("POST") == 1);
}

// It makes the source, as docker run -v does.
TEST_CASE("a bind source that is not there is refused before Podman makes it", "[engine]") {
    ScriptedEngine server(generous_podman());
    EngineDriver driver(server.address());
    must_connect(driver);
    ContainerRequest request;
    request.spec.mounts = {{MountType::volume, "data", "/v", false},
                           {MountType::bind, "/tmp", "/a", false},
                           {MountType::bind, "/nonexistent/x", "/b", false}};
    auto refused = driver.create(request);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Kind::refused);
    CHECK(refused.error().message == "bind source path does not exist: /nonexistent/x");
    request.spec.mounts.pop_back();
    CHECK(driver.create(request));
    CHECK(server.count("POST") == 1);
    CHECK(bind_source_trouble({{MountType::bind, "/etc/passwd/x", "/b", false}}) ==
          "bind source path does not exist: /etc/passwd/x");
    // Root may look everywhere, so a name that is too long stands for what can't be seen.
    CHECK_THAT(bind_source_trouble({{MountType::bind, '/' + std::string(300, 'x'), "/b", false}})
                   .value_or(""),
               Catch::Contains("can't see whether"));

    EngineIdentity remote;
    remote.name = "Podman 4.3.1";
    remote.address = "tcp://192.0.2.1:2375";
    CHECK_THAT(podman_refusal(request.spec, remote).value_or(""),
               Catch::Contains("would make the source"));
    request.spec.mounts.pop_back();
    CHECK_FALSE(podman_refusal(request.spec, remote));
}

TEST_CASE("what is gone already counts as stopped or removed", "[engine]") {
    // The server may still be sending one when its answer is here: they outlive it.
    const std::string gone =
        http_answer("404 Not Found", R"({"message":"No such container: abc"})");
    const std::string removing = http_answer(
        "409 Conflict", R"({"message":"removal of container abc is already in progress"})");
    const std::string running =
        http_answer("409 Conflict", R"({"message":"You cannot remove a running container abc."})");
    const std::string not_running =
        http_answer("409 Conflict",
                    R"({"message":"Cannot kill container: abc: Container abc is not running"})");
    const std::string podman = http_answer(
        "500 Internal Server Error",
        R"({"cause":"container state improper","message":"can only kill running containers"})");
    std::atomic<const std::string*> answer{&gone};
    ScriptedEngine server(
        introduced([&](ScriptedSession& session, const auto&) { session.write(*answer.load()); }));
    EngineDriver driver(server.address());
    must_connect(driver);
    CHECK(driver.remove("abc"));
    CHECK(driver.stop("abc", Duration(0)).error().kind == Kind::not_found);
    CHECK(driver.has_image("x:1").value() == false);
    answer = &removing;
    CHECK(driver.remove("abc"));
    answer = &running;
    CHECK(driver.remove("abc").error().kind == Kind::refused);
    answer = &not_running;
    CHECK(driver.stop("abc", Duration(0)));
    answer = &podman;
    CHECK(driver.stop("abc", Duration(0)));
}

TEST_CASE("the event stream tells of ends and of its own", "[engine]") {
    std::atomic<bool> may_end{false};
    ScriptedEngine server(introduced([&](ScriptedSession& session, const auto&) {
        session.write(chunked_head);
        std::string event = R"({"Type":"container","Action":"die","Actor":{"ID":"c1"}})"
                            "\n";
        for (char c : event)
            session.write(http_chunk({&c, 1}));  // a chunk is no line
        session.write(http_chunk(event.substr(0, 10)));
        session.write(http_chunk(event.substr(10) + event));
        while (!may_end)
            std::this_thread::yield();
        session.write("0\r\n\r\n");
    }));
    EngineDriver driver(server.address(), short_timeouts());
    must_connect(driver);
    bool is_open = false;
    std::vector<std::string> ended;
    std::optional<EngineFailure> failure;
    driver.engine->watch("schedulerd.instance",
                         "me",
                         {[&] { is_open = true; },
                          [&](const std::string& id) { ended.push_back(id); },
                          [&](const EngineFailure& broken) { failure = broken; }});
    driver.run_until([&] { return ended.size() == 3; });
    CHECK(is_open);
    CHECK_FALSE(failure);
    CHECK(server.count("label%22%3A%5B%22schedulerd.instance%3Dme%22%5D") == 1);
    may_end = true;
    driver.run_until([&] { return failure.has_value(); });
    CHECK(failure->kind == Kind::no_answer);
}

TEST_CASE("a second watch replaces the first without a word", "[engine]") {
    ScriptedEngine server(introduced([&](ScriptedSession& session, const auto&) {
        session.write(chunked_head);
        session.wait_for_close();
    }));
    EngineDriver driver(server.address());
    must_connect(driver);
    int opened = 0;
    int broken_first = 0;
    int broken_second = 0;
    driver.engine->watch(
        "k", "v", {[&] { ++opened; }, [](const auto&) {}, [&](const auto&) { ++broken_first; }});
    driver.run_until([&] { return opened == 1; });
    driver.engine->watch(
        "k", "v", {[&] { ++opened; }, [](const auto&) {}, [&](const auto&) { ++broken_second; }});
    driver.run_until([&] { return opened == 2; });
    server.kill();
    driver.run_until([&] { return broken_second == 1; });
    CHECK(broken_first == 0);
}

TEST_CASE("a log that is cut is told from one that ended", "[engine]") {
    std::string frame(
        "\1\0\0\0\0\0\0\x19"
        "2026-11-23T16:24:38Z hi!\n",
        33);
    std::atomic<bool> is_cut{false};
    ScriptedEngine server([&](ScriptedSession& session, int) {
        while (auto request = session.read()) {
            if (auto known = introduction(*request)) {
                session.write(*known);
                continue;
            }
            session.write(chunked_head);
            session.write(http_chunk(frame.substr(0, 3)));
            session.write(http_chunk(frame.substr(3)));
            if (is_cut) return;
            session.write("0\r\n\r\n");
        }
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    std::string seen;
    auto sink = [&](const LogFrame& log_frame) {
        seen += log_frame.bytes;
        return true;
    };
    CHECK(driver.logs("abc", true, sink));
    is_cut = true;
    CHECK(driver.logs("abc", true, sink).error().kind == Kind::no_answer);
    CHECK(seen == "hi!\nhi!\n");
    // The reader may stop before the end, whatever comes then.
    CHECK(driver.logs("abc", true, [](const LogFrame&) { return false; }));
}

TEST_CASE("while the gate is closed the engine's output is not read", "[engine]") {
    std::string frame(
        "\1\0\0\0\0\0\0\x19"
        "2026-11-23T16:24:38Z hi!\n",
        33);
    ScriptedEngine server([&](ScriptedSession& session, int) {
        while (auto request = session.read()) {
            if (auto known = introduction(*request)) {
                session.write(*known);
                continue;
            }
            session.write(chunked_head);
            // More than one read takes, so that the gate is looked at in between.
            for (int i = 0; i < 4000; ++i)
                session.write(http_chunk(frame));
            session.write("0\r\n\r\n");
        }
    });
    EngineDriver driver(server.address());
    must_connect(driver);
    auto gate = std::make_shared<ReadGate>();
    int frames = 0;
    std::optional<EngineResult<Done>> end;
    driver.engine->logs(
        "abc",
        LogReading{true, std::nullopt, gate},
        [&](const LogFrame&) {
            ++frames;
            gate->close();
            return true;
        },
        [&](EngineResult<Done> result) { end.emplace(std::move(result)); });
    driver.run_until([&] { return frames > 0; });
    int seen = frames;
    REQUIRE(driver.ping());  // the loop goes on meanwhile
    REQUIRE(driver.ping());
    CHECK(frames == seen);
    CHECK(seen < 4000);
    while (!end) {
        gate->open();
        driver.run_until([&] { return end.has_value() || !gate->is_open(); });
    }
    CHECK(*end);
    CHECK(frames == 4000);

    // Dropped while it waits, it ends without another word.
    gate->open();
    driver.engine->logs(
        "abc",
        LogReading{true, std::nullopt, gate},
        [&](const LogFrame&) {
            gate->close();
            return true;
        },
        [&](EngineResult<Done>) { FAIL("it was dropped"); });
    driver.run_until([&] { return !gate->is_open(); });
    driver.engine.reset();
    gate->open();
    driver.io.restart();
    driver.io.poll();
}

TEST_CASE("an engine can be destroyed with calls under way", "[engine]") {
    ScriptedEngine server(introduced([&](ScriptedSession& session, const ScriptedRequest& request) {
        if (request.line.find("/events") != std::string::npos) session.write(chunked_head);
        session.wait_for_close();
    }));
    bool has_reply = false;
    auto note = [&](const auto&...) { has_reply = true; };
    EngineDriver driver(server.address());
    must_connect(driver);
    bool is_open = false;
    driver.engine->watch("k", "v", {[&] { is_open = true; }, note, note});
    driver.engine->start("abc", note);
    driver.engine->inspect("abc", note);
    driver.run_until([&] { return is_open; });
    driver.engine->ping(note);
    driver.engine->connect(note);  // would be answered while the loop runs
    driver.engine.reset();
    driver.io.restart();
    driver.io.run();  // ends: nothing is left to wait for
    CHECK_FALSE(has_reply);
}

TEST_CASE("an io_context can be destroyed with calls under way", "[engine]") {
    ScriptedEngine server(
        introduced([](ScriptedSession& session, const auto&) { session.wait_for_close(); }));
    EngineDriver driver(server.address());
    must_connect(driver);
    driver.engine->start("abc", [](auto) { FAIL("a reply after the end"); });
    driver.engine.reset();
}

TEST_CASE("what a reply throws comes out of the loop", "[engine]") {
    ScriptedEngine server(introduced([](auto&, const auto&) {}));
    EngineDriver driver(server.address());
    must_connect(driver);
    driver.engine->ping([](auto) { throw std::runtime_error("a bug"); });
    CHECK_THROWS_WITH(driver.run_until([] { return false; }), "a bug");
}
