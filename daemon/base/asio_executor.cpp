#include "daemon/base/asio_executor.hpp"

#include <memory>

namespace scheduler {

void AsioExecutor::post(Task task) {
    asio::post(context_, [task = std::move(task)]() mutable { task(); });
}

void AsioExecutor::post_after(Duration delay, Task task) {
    // The wait's handler owns its timer, which nobody else knows; so no thread can touch it
    // meanwhile.
    auto timer = std::make_unique<asio::steady_timer>(context_, delay);
    auto& waiting = *timer;
    waiting.async_wait([timer = std::move(timer),
                        task = std::move(task)](const boost::system::error_code& error) mutable {
        if (!error) task();
    });
}

}  // namespace scheduler
