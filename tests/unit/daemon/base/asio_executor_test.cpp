#include "daemon/base/asio_executor.hpp"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

using namespace scheduler;
using namespace std::chrono_literals;

TEST_CASE("an Asio executor runs what is posted, later and in order", "[base]") {
    asio::io_context loop{1};
    AsioExecutor executor(loop);
    std::vector<int> order;
    executor.post([&] {
        executor.post([&] { order.push_back(2); });
        order.push_back(1);
    });
    CHECK(order.empty());
    loop.run_for(30s);
    CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("a timer of an Asio executor rings once, not early", "[base]") {
    asio::io_context loop{1};
    AsioExecutor executor(loop);
    int rings = 0;
    auto set = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point rang{};
    executor.post_after(20ms, [&] {
        ++rings;
        rang = std::chrono::steady_clock::now();
    });
    loop.run_for(30s);
    CHECK(rings == 1);
    CHECK(rang - set >= 20ms);
}

TEST_CASE("what an Asio executor never ran is destroyed with the loop", "[base]") {
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> watched = owned;
    {
        asio::io_context loop{1};
        AsioExecutor executor(loop);
        executor.post([owned] { FAIL("nobody ran the loop"); });
        executor.post_after(1h, [owned = std::move(owned)] { FAIL("nobody ran the loop"); });
    }
    CHECK(watched.expired());
}
