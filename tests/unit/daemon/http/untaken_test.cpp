/// Answers that nobody reads, over all connections.

#include <catch2/catch.hpp>

#include "daemon/http/server.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/service_world.hpp"

namespace scheduler::test {
namespace {

/// The server on a thread of its own; the service replies in place.
struct ServedWorld : ServiceWorld {
    explicit ServedWorld(HttpLimits limits) {
        HttpOptions options;
        options.limits = limits;
        server = std::make_unique<HttpServer>(loops, service, std::move(options));
        auto listeners = bind_listeners(loops.first(), {{"127.0.0.1", 0}});
        REQUIRE(listeners);
        port = listeners->front()->acceptor().local_endpoint().port();
        server->serve(std::move(*listeners));
        loops.start();
    }
    ~ServedWorld() {
        loops.stop();
        server.reset();
    }
    void add_many(int count) {
        NewJob job{std::string(200, 'x'), {}, clock.now(), clock.now() + 1h, {}, {}, "test"};
        std::vector<NewJob> jobs(static_cast<std::size_t>(count), job);
        bool is_done = false;
        store->insert(jobs, [&](const auto& added) { is_done = added.has_value(); });
        executor.run();
        REQUIRE(is_done);
    }

    LoopPool loops{1};
    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("no list is begun while too much waits for clients that do not read", "[http]") {
    HttpLimits limits;
    limits.untaken_bytes = 1;
    ServedWorld world(limits);
    // More than a socket's buffers take.
    world.add_many(5000);
    world.add_many(5000);
    world.add_many(5000);
    std::vector<std::unique_ptr<HttpClient>> silent;
    HttpClient other(world.port);
    HttpAnswer refused;
    // What the kernel takes counts as taken, and how much that is it decides by itself.
    REQUIRE(eventually([&] {
        silent.push_back(std::make_unique<HttpClient>(world.port));
        silent.back()->send("GET", "/jobs");
        refused = other.get("/jobs?limit=1");
        return refused.status == 503;
    }));
    CHECK(refused.error_code() == "busy");
    CHECK(refused.message().find("wait for clients that don't read them") != std::string::npos);
    CHECK(other.get("/healthz").status == 200);
    silent.clear();
    CHECK(eventually([&] { return other.get("/jobs?limit=1").status == 200; }));
}

}  // namespace scheduler::test
