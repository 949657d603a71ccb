#include "daemon/base/loop_pool.hpp"

#include <future>
#include <set>

#include <catch2/catch.hpp>

namespace scheduler {
namespace {

/// The thread that runs what is posted there.
std::thread::id thread_of(const asio::any_io_executor& executor) {
    std::promise<std::thread::id> promise;
    asio::post(executor, [&] { promise.set_value(std::this_thread::get_id()); });
    return promise.get_future().get();
}

}  // namespace

TEST_CASE("connections go to the loops in turn, and each loop is one thread", "[loop]") {
    LoopPool pool(3);
    pool.start();
    std::vector<std::thread::id> threads;
    for (int i = 0; i < 6; ++i)
        threads.push_back(thread_of(pool.next()));
    CHECK(std::set(threads.begin(), threads.end()).size() == 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(threads[i] == threads[i + 3]);
    pool.stop();
}

TEST_CASE("loops that are stopped destroy what has not run, on whichever loop it is", "[loop]") {
    auto kept = std::make_shared<int>(0);
    {
        LoopPool pool(2);
        auto first = pool.next();
        auto second = pool.next();
        // One that posts to the other loop while it is destroyed.
        struct PostsAtEnd {
            asio::any_io_executor other;
            std::shared_ptr<int> kept;
            ~PostsAtEnd() {
                asio::post(other, [kept = kept] { FAIL("it ran"); });
            }
        };
        for (auto [mine, other] : {std::pair(first, second), std::pair(second, first)}) {
            auto last = std::make_shared<PostsAtEnd>(other, kept);
            asio::post(mine, [last] { FAIL("it ran"); });
        }
        CHECK(kept.use_count() > 1);
    }
    CHECK(kept.use_count() == 1);
}

}  // namespace scheduler
