#include "daemon/base/coroutine_reply.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "daemon/base/thread_executor.hpp"

using namespace scheduler;
using namespace std::chrono_literals;

namespace {

using Initiate = UniqueFunction<void(Reply<std::string>)>;

struct Answer {
    std::optional<Result<std::string>> result;
    std::thread::id resumed_on;
};

asio::awaitable<void> ask(Initiate initiate, Answer& answer) {
    answer.result = co_await await_reply<std::string>(std::move(initiate));
    answer.resumed_on = std::this_thread::get_id();
}

Result<std::string> answer_of(asio::io_context& loop, Initiate initiate) {
    Answer answer;
    asio::co_spawn(loop, ask(std::move(initiate), answer), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
    loop.run_for(30s);
    REQUIRE(answer.result);
    CHECK(answer.resumed_on == std::this_thread::get_id());
    return std::move(*answer.result);
}

}  // namespace

TEST_CASE("a coroutine gets a reply that is called in place", "[base]") {
    asio::io_context loop{1};
    auto result = answer_of(loop, [](Reply<std::string> reply) { reply(std::string("now")); });
    REQUIRE(result);
    CHECK(*result == "now");
}

TEST_CASE("a coroutine gets a reply from another thread, and goes on in its own loop", "[base]") {
    asio::io_context loop{1};
    ThreadExecutor other("other");  // ends before the loop, as all that replies must
    auto result = answer_of(loop, [&](Reply<std::string> reply) {
        other.post_after(
            5ms, [reply = std::move(reply)]() mutable { reply(fail(ErrorCode::busy, "later")); });
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::busy);
}

TEST_CASE("a reply that is dropped tells its coroutine that the daemon is shutting down",
          "[base]") {
    asio::io_context loop{1};
    auto result = answer_of(loop, [](Reply<std::string>) {});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::unavailable);
}

TEST_CASE("a call that throws is answered as an internal error", "[base]") {
    asio::io_context loop{1};
    auto result = answer_of(loop, [](Reply<std::string>) {
        throw std::runtime_error("a bug (expected in this test)");
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::internal);
}

TEST_CASE("a coroutine that waits for a reply is destroyed with its loop", "[base]") {
    std::weak_ptr<int> watched;
    {
        Reply<std::string> held;
        asio::io_context loop{1};
        auto guard = std::make_shared<int>(1);
        watched = guard;
        Answer answer;
        asio::co_spawn(loop,
                       ask([&held, guard = std::move(guard)](
                               Reply<std::string> reply) { held = std::move(reply); },
                           answer),
                       asio::detached);
        loop.run_for(10ms);
        CHECK_FALSE(answer.result);
        held = {};
    }
    CHECK(watched.expired());
}
