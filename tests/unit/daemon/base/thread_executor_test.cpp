#include "daemon/base/thread_executor.hpp"

#include <future>
#include <optional>
#include <vector>

#include <pthread.h>

#include <catch2/catch.hpp>

using namespace scheduler;
using namespace std::chrono_literals;

TEST_CASE("a thread executor runs closures in the order in which they were posted", "[base]") {
    std::vector<int> order;
    {
        ThreadExecutor executor("order");
        for (int i = 0; i < 100; ++i)
            executor.post([&order, i] { order.push_back(i); });
    }
    REQUIRE(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a thread executor runs closures on a thread that bears its name", "[base]") {
    ThreadExecutor executor("store-writer-of-many-letters");
    std::promise<std::string> name;
    executor.post([&] {
        char buffer[32] = {};
        ::pthread_getname_np(::pthread_self(), buffer, sizeof buffer);
        name.set_value(executor.is_here() ? buffer : "another thread");
    });
    CHECK(name.get_future().get() == "store-writer-of");
    CHECK_FALSE(executor.is_here());
}

TEST_CASE("the end of a thread executor runs what closures post meanwhile, but no timer",
          "[base]") {
    std::vector<std::string> ran;
    {
        ThreadExecutor executor("end");
        executor.post_after(1h, [&] { ran.push_back("timer"); });
        executor.post([&] {
            ran.push_back("first");
            executor.post([&] { ran.push_back("second"); });
        });
    }
    CHECK(ran == std::vector<std::string>{"first", "second"});
}

TEST_CASE("timers of a thread executor ring by their times, equal ones in the order set",
          "[base]") {
    std::vector<int> order;
    std::promise<void> all;
    ThreadExecutor executor("timers");
    executor.post([&] {
        executor.post_after(40ms, [&] {
            order.push_back(4);
            all.set_value();
        });
        executor.post_after(20ms, [&] { order.push_back(3); });
        executor.post_after(0ms, [&] { order.push_back(1); });
        executor.post_after(0ms, [&] { order.push_back(2); });
    });
    REQUIRE(all.get_future().wait_for(30s) == std::future_status::ready);
    CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("a timer of a thread executor does not ring early", "[base]") {
    ThreadExecutor executor("timer");
    std::promise<std::chrono::steady_clock::time_point> rang;
    auto set = std::chrono::steady_clock::now();
    executor.post_after(30ms, [&] { rang.set_value(std::chrono::steady_clock::now()); });
    CHECK(rang.get_future().get() - set >= 30ms);
}

TEST_CASE("a thread executor releases what a closure owns before it runs the next one", "[base]") {
    ThreadExecutor executor("release");
    std::promise<bool> released;
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> watched = owned;
    executor.post([owned = std::move(owned)] {});
    executor.post([&] { released.set_value(watched.expired()); });
    CHECK(released.get_future().get());
}
