#include "daemon/socket/socket_server.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/rpc.hpp"
#include "tests/support/temp_dir.hpp"

using namespace scheduler;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

/// A client that gives up after half a minute, so that a fault ends the test instead of hanging it.
class Client {
  public:
    explicit Client(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path.c_str());
        REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void call(int id, std::string_view method, std::string_view params = "{}") {
        send(encode_call(id, method, params));
    }
    /// Sends what fits, until the server takes no more; how many bytes that was.
    std::size_t fill(const std::string& line) {
        std::size_t total = 0;
        for (pollfd writable{fd_.get(), POLLOUT, 0}; ::poll(&writable, 1, 300) == 1;) {
            auto sent = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0) break;
            total += static_cast<std::size_t>(sent);
            if (static_cast<std::size_t>(sent) < line.size())
                send(std::string_view(line).substr(static_cast<std::size_t>(sent)));
        }
        return total;
    }
    void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }

    /// The next line; empty at the end of the connection.
    std::string line() {
        for (;;) {
            auto newline = buffer_.find('\n');
            if (newline != std::string::npos) {
                auto line = buffer_.substr(0, newline);
                buffer_.erase(0, newline + 1);
                return line;
            }
            pollfd readable{fd_.get(), POLLIN, 0};
            if (::poll(&readable, 1, 30000) != 1) throw std::runtime_error("no answer in 30 s");
            char piece[65536];
            auto got = ::recv(fd_.get(), piece, sizeof piece, 0);
            if (got <= 0) return "";
            buffer_.append(piece, static_cast<std::size_t>(got));
        }
    }

  private:
    UniqueFd fd_;
    std::string buffer_;
};

/// The methods that the tests call, and what became of them.
struct Recorder {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> started;                                        ///< guarded by mutex
    std::vector<std::pair<asio::any_io_executor, Reply<std::string>>> held;  ///< guarded by mutex
    std::atomic<int> streams_canceled = 0;
    std::atomic<int> waits_dropped = 0;

    void record(std::string what) {
        std::lock_guard lock(mutex);
        started.push_back(std::move(what));
        changed.notify_all();
    }
    void hold(asio::any_io_executor executor, Reply<std::string> reply) {
        std::lock_guard lock(mutex);
        held.emplace_back(std::move(executor), std::move(reply));
        changed.notify_all();
    }
    template <class Condition>
    [[nodiscard]] bool wait_for(Condition condition) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 30s, condition);
    }
    [[nodiscard]] bool wait_for_held(std::size_t count) {
        return wait_for([&] { return held.size() >= count; });
    }
    void release(const std::string& result) {
        std::lock_guard lock(mutex);
        for (auto& [executor, reply] : held)
            asio::post(executor, [reply = std::move(reply), result]() mutable { reply(result); });
        held.clear();
    }
};

/// Counts up to `end`, then waits for ever, or ends.
class CountingStream final : public TextStream {
  public:
    CountingStream(Recorder& recorder, int end, bool is_endless)
        : recorder_(recorder), end_(end), is_endless_(is_endless) {}

    void next(asio::any_io_executor executor, Reply<std::optional<std::string>> reply) override {
        if (count_ == end_ && is_endless_) {
            std::lock_guard lock(mutex_);
            waiting_ = std::move(reply);
            executor_ = executor;
            return;
        }
        auto item = count_ == end_ ? std::nullopt : std::optional(std::to_string(++count_));
        asio::post(executor, [reply = std::move(reply), item]() mutable { reply(item); });
    }
    void cancel() override {
        std::lock_guard lock(mutex_);
        if (std::exchange(is_canceled_, true)) return;
        ++recorder_.streams_canceled;
        recorder_.record("cancel");
        if (waiting_)
            asio::post(executor_, [reply = std::move(waiting_)]() mutable {
                reply(std::optional<std::string>());
            });
    }

  private:
    Recorder& recorder_;
    int end_;
    bool is_endless_;
    int count_ = 0;
    std::mutex mutex_;
    bool is_canceled_ = false;
    Reply<std::optional<std::string>> waiting_;
    asio::any_io_executor executor_;
};

Method answering(Recorder& recorder, Method::Kind kind, std::string name, std::string result) {
    Method method;
    method.kind = kind;
    method.begin =
        [&recorder, name, result](
            const RpcCall&, const Caller&, auto executor, Reply<std::string> reply) -> WaitToken {
        recorder.record(name);
        asio::post(executor, [reply = std::move(reply), result]() mutable { reply(result); });
        return nullptr;
    };
    return method;
}

Method holding(Recorder& recorder, Method::Kind kind, std::string name) {
    Method method;
    method.kind = kind;
    method.begin =
        [&recorder, name](
            const RpcCall&, const Caller&, auto executor, Reply<std::string> reply) -> WaitToken {
        recorder.record(name);
        recorder.hold(executor, std::move(reply));
        return WaitToken(&recorder, [&recorder](const void*) {
            ++recorder.waits_dropped;
            recorder.changed.notify_all();
        });
    };
    return method;
}

Method streaming(Recorder& recorder, int end, bool is_endless) {
    Method method;
    method.kind = Method::Kind::stream;
    method.open = [&recorder, end, is_endless](
                      const RpcCall&, const Caller&) -> Result<std::unique_ptr<TextStream>> {
        recorder.record("stream");
        return std::unique_ptr<TextStream>(
            std::make_unique<CountingStream>(recorder, end, is_endless));
    };
    return method;
}

Methods test_methods(Recorder& recorder) {
    using Kind = Method::Kind;
    Methods methods;
    methods["read"] = answering(recorder, Kind::read, "read", "\"read\"");
    methods["big"] = answering(recorder, Kind::read, "big", '"' + std::string(200'000, 'x') + '"');
    methods["write"] = answering(recorder, Kind::write, "write", "\"written\"");
    methods["held_write"] = holding(recorder, Kind::write, "held_write");
    methods["wait"] = holding(recorder, Kind::read, "wait");
    methods["throw"].begin =
        [](const RpcCall&, const Caller&, auto, Reply<std::string>) -> WaitToken {
        throw std::runtime_error("a bug (expected in this test)");
    };
    methods["who"].begin = [](const RpcCall&,
                              const Caller& caller,
                              auto executor,
                              Reply<std::string> reply) -> WaitToken {
        asio::post(executor, [reply = std::move(reply), name = caller.name]() mutable {
            reply('"' + name + '"');
        });
        return nullptr;
    };
    methods["throw_stream"].kind = Kind::stream;
    methods["throw_stream"].open = [](const RpcCall&,
                                      const Caller&) -> Result<std::unique_ptr<TextStream>> {
        throw std::runtime_error("a bug (expected in this test)");
    };
    methods["count"] = streaming(recorder, 3, false);
    methods["flood"] = streaming(recorder, 1'000'000'000, false);
    methods["follow"] = streaming(recorder, 1, true);
    return methods;
}

/// A server with two threads, as the daemon's front ends have.
class RunningServer {
  public:
    explicit RunningServer(SocketLimits limits = {})
        : server_(loops_, test_methods(recorder), limits) {
        auto file = SocketFile::bind({path, "", ""});
        REQUIRE(file);
        server_.serve(std::move(*file));
        loops_.start();
    }
    ~RunningServer() {
        stop(1ms);
        recorder.release("\"late\"");
        loops_.stop();
    }

    void stop(Duration grace) {
        begin_stop(grace);
        REQUIRE(recorder.wait_for([&] { return is_stopped; }));
    }
    void begin_stop(Duration grace) {
        server_.stop(grace, [this] {
            std::lock_guard lock(recorder.mutex);
            is_stopped = true;
            recorder.changed.notify_all();
        });
    }

    test::TempDir dir;
    std::string path = dir / "s.sock";
    Recorder recorder;
    bool is_stopped = false;

  private:
    LoopPool loops_{2};
    SocketServer server_;
};

std::string result_line(int id, const std::string& result) {
    auto line = encode_result(std::to_string(id), result);
    line.pop_back();
    return line;
}

}  // namespace

TEST_CASE("a request on the socket is answered, and its caller known by the kernel's word",
          "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "who");
    CHECK(client.line() == result_line(1, "\"uid:" + std::to_string(::getuid()) + '"'));
}

TEST_CASE("answers come in the order of the requests", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "held_write");
    client.call(2, "write");
    client.call(3, "nonsense");
    REQUIRE(server.recorder.wait_for([&] { return server.recorder.started.size() == 2; }));
    server.recorder.release("1");
    CHECK(client.line() == result_line(1, "1"));
    CHECK(client.line() == result_line(2, "\"written\""));
    CHECK_THAT(client.line(),
               Contains("\"id\":3") && Contains("there is no method \\\"nonsense\\\""));
}

TEST_CASE("pipelined writes are under way together", "[socket]") {
    RunningServer server;
    Client client(server.path);
    for (int i = 0; i < 200; ++i)
        client.call(i, "held_write");
    REQUIRE(server.recorder.wait_for_held(200));
    server.recorder.release("0");
    for (int i = 0; i < 200; ++i)
        REQUIRE(client.line() == result_line(i, "0"));
}

TEST_CASE("a read waits for the writes before it, but not for a read that waits", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "held_write");
    client.call(2, "wait");
    client.call(3, "read");
    REQUIRE(server.recorder.wait_for_held(1));
    {
        std::lock_guard lock(server.recorder.mutex);
        CHECK(server.recorder.started == std::vector<std::string>{"held_write"});
    }
    server.recorder.release("1");
    CHECK(client.line() == result_line(1, "1"));
    REQUIRE(server.recorder.wait_for([&] { return server.recorder.started.size() == 3; }));
    server.recorder.release("2");
    CHECK(client.line() == result_line(2, "2"));
    CHECK(client.line() == result_line(3, "\"read\""));
}

TEST_CASE("bad lines get errors and do no harm to the connection", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.send(
        "nonsense\n\n  "
        "\r\n[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"read\"}]\n{\"jsonrpc\":\"2.0\",\"method\":"
        "\"read\"}\n");
    client.call(7, "add_batch");
    client.call(8, "read");
    CHECK_THAT(client.line(),
               Contains("\"id\":null") && Contains("-32700") && Contains("bad_json"));
    CHECK_THAT(client.line(), Contains("-32600") && Contains("batch"));
    CHECK_THAT(client.line(), Contains("-32600") && Contains("no id"));
    CHECK_THAT(client.line(), Contains("\"id\":7") && Contains("-32601"));
    CHECK(client.line() == result_line(8, "\"read\""));
}

TEST_CASE("a method that throws is answered as an internal error, and the connection goes on",
          "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "throw");
    client.call(2, "throw_stream");
    client.call(3, "read");
    CHECK_THAT(client.line(), Contains("\"id\":1") && Contains("internal"));
    CHECK_THAT(client.line(), Contains("\"id\":2") && Contains("internal"));
    CHECK(client.line() == result_line(3, "\"read\""));
}

TEST_CASE("a line over the limit gets an error and the end of the connection", "[socket]") {
    SocketLimits limits;
    limits.line_bytes_max = 1000;
    RunningServer server(limits);
    auto call = encode_call(1, "read", "{}");
    call.pop_back();
    {
        Client fitting(server.path);
        fitting.send(call + std::string(1000 - call.size(), ' ') + '\n');
        CHECK(fitting.line() == result_line(1, "\"read\""));
    }
    Client overlong(server.path);
    overlong.send(encode_call(0, "read", "{}") + call + std::string(1001 - call.size(), ' ') +
                  '\n');
    CHECK(overlong.line() == result_line(0, "\"read\""));
    CHECK_THAT(overlong.line(), Contains("-32013") && Contains("1000 bytes"));
    CHECK(overlong.line().empty());
}

TEST_CASE(
    "the last line may lack its newline, and answers come after the client's sending has ended",
    "[socket]") {
    RunningServer server;
    Client client(server.path);
    auto call = encode_call(2, "read", "{}");
    call.pop_back();
    client.call(1, "held_write");
    client.send(call);
    client.end_sending();
    REQUIRE(server.recorder.wait_for_held(1));
    server.recorder.release("1");
    CHECK(client.line() == result_line(1, "1"));
    CHECK(client.line() == result_line(2, "\"read\""));
    CHECK(client.line().empty());
}

TEST_CASE("what a client sent before it closed takes effect", "[socket]") {
    RunningServer server;
    Client client(server.path);
    for (int i = 0; i < 50; ++i)
        client.call(i, "write");
    client.close();
    CHECK(server.recorder.wait_for([&] { return server.recorder.started.size() == 50; }));
}

TEST_CASE("a stream sends items, then an answer, and later requests wait for it", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "count");
    client.call(2, "read");
    for (int i = 1; i <= 3; ++i) {
        auto item = encode_item("1", std::to_string(i));
        item.pop_back();
        CHECK(client.line() == item);
    }
    CHECK(client.line() == result_line(1, "{}"));
    CHECK(client.line() == result_line(2, "\"read\""));
}

TEST_CASE("a stream is canceled when its client goes away", "[socket]") {
    RunningServer server;
    auto method = GENERATE("follow", "flood");
    {
        Client client(server.path);
        client.call(1, method);
        REQUIRE_FALSE(client.line().empty());
    }
    CHECK(server.recorder.wait_for([&] { return server.recorder.streams_canceled == 1; }));
}

TEST_CASE("a wait is dropped when its client goes away", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "wait");
    REQUIRE(server.recorder.wait_for_held(1));
    CHECK(server.recorder.waits_dropped == 0);
    client.close();
    CHECK(server.recorder.wait_for([&] { return server.recorder.waits_dropped == 1; }));
}

TEST_CASE("nothing is read for a client that is gone, and what it wrote takes effect", "[socket]") {
    RunningServer server;
    Recorder& recorder = server.recorder;
    {
        Client client(server.path);
        int id = 0;
        for (const char* method : {"wait", "held_write", "read", "count", "write"})
            client.call(++id, method);
        REQUIRE(recorder.wait_for_held(2));
    }
    REQUIRE(recorder.wait_for([&] { return recorder.waits_dropped >= 1; }));
    recorder.release("\"done\"");
    auto has = [&](const char* what) {
        return std::count(recorder.started.begin(), recorder.started.end(), what) > 0;
    };
    REQUIRE(recorder.wait_for([&] { return has("write"); }));
    std::lock_guard lock(recorder.mutex);
    CHECK_FALSE(has("read"));
    CHECK_FALSE(has("stream"));
}

TEST_CASE("a client that does not read is not read from either", "[socket]") {
    SocketLimits limits;
    limits.bytes_in_flight_max = 100'000;
    RunningServer server(limits);
    Client client(server.path);
    auto sent = client.fill(encode_call(1, "big", "{}"));
    CHECK(sent < 2'000'000);  // what the socket's buffers and one piece of reading take
    auto calls = sent / encode_call(1, "big", "{}").size();
    for (std::size_t i = 0; i < calls; ++i)
        REQUIRE(client.line().size() > 200'000);
}

TEST_CASE("many that do not read hold one answer each above the limit of all", "[socket]") {
    SocketLimits limits;
    limits.total_bytes_in_flight_max = 1;
    RunningServer server(limits);
    Client deaf(server.path);
    auto sent = deaf.fill(encode_call(1, "big", "{}"));
    // Others are served meanwhile, and so is it as soon as it reads.
    Client other(server.path);
    for (int i = 0; i < 3; ++i) {
        other.call(i, "big");
        CHECK(other.line().size() > 200'000);
    }
    auto calls = sent / encode_call(1, "big", "{}").size();
    for (std::size_t i = 0; i < calls; ++i)
        REQUIRE(deaf.line().size() > 200'000);
}

TEST_CASE("no more requests than the limit are under way on a connection", "[socket]") {
    SocketLimits limits;
    limits.requests_in_flight_max = 3;
    RunningServer server(limits);
    Client client(server.path);
    for (int i = 0; i < 4; ++i)
        client.call(i, "held_write");
    REQUIRE(server.recorder.wait_for_held(3));
    server.recorder.release("0");
    REQUIRE(server.recorder.wait_for_held(1));
    server.recorder.release("0");
    for (int i = 0; i < 4; ++i)
        CHECK(client.line() == result_line(i, "0"));
}

TEST_CASE("a client that takes nothing until the deadline is cut off", "[socket]") {
    SocketLimits limits;
    limits.write_deadline = 50ms;
    RunningServer server(limits);
    Client client(server.path);
    client.call(1, "flood");
    CHECK(server.recorder.wait_for([&] { return server.recorder.streams_canceled == 1; }));
}

TEST_CASE(
    "a connection beyond the limit is told so and closed, and a place that is freed can be had",
    "[socket]") {
    SocketLimits limits;
    limits.connections_max = 2;
    RunningServer server(limits);
    std::optional<Client> first(server.path);
    Client second(server.path);
    first->call(1, "read");
    second.call(1, "read");
    REQUIRE_FALSE(first->line().empty());
    REQUIRE_FALSE(second.line().empty());
    Client third(server.path);
    CHECK_THAT(third.line(), Contains("-32029") && Contains("2 connections are open"));
    CHECK(third.line().empty());

    first.reset();
    auto deadline = std::chrono::steady_clock::now() + 30s;
    for (bool admitted = false; !admitted && std::chrono::steady_clock::now() < deadline;) {
        Client again(server.path);
        again.call(1, "read");
        admitted = again.line() == result_line(1, "\"read\"");
        if (admitted) SUCCEED("the place was had");
    }
    CHECK(std::chrono::steady_clock::now() < deadline);
}

TEST_CASE(
    "stop answers what was begun, ends waits and streams with a reason, and removes the socket",
    "[socket]") {
    RunningServer server;
    Client writer(server.path);
    Client waiter(server.path);
    Client follower(server.path);
    Client idle(server.path);
    writer.call(1, "held_write");
    waiter.call(2, "wait");
    follower.call(3, "follow");
    REQUIRE_FALSE(follower.line().empty());
    REQUIRE(server.recorder.wait_for_held(2));
    server.begin_stop(30s);
    CHECK_THAT(waiter.line(), Contains("\"id\":2") && Contains("the daemon is shutting down"));
    CHECK_THAT(follower.line(), Contains("\"id\":3") && Contains("the daemon is shutting down"));
    CHECK(idle.line().empty());
    server.recorder.release("1");
    CHECK(writer.line() == result_line(1, "1"));
    CHECK(writer.line().empty());
    CHECK(server.recorder.wait_for([&] { return server.is_stopped; }));
    CHECK_FALSE(std::filesystem::exists(server.path));
}

TEST_CASE("stop ends what is not answered within the grace", "[socket]") {
    RunningServer server;
    Client client(server.path);
    client.call(1, "held_write");
    REQUIRE(server.recorder.wait_for_held(1));
    server.stop(10ms);
    CHECK(client.line().empty());
}
