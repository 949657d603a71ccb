#include "daemon/base/loop_pool.hpp"

#include <cassert>

namespace scheduler {

LoopPool::LoopPool(std::size_t loops) {
    assert(loops > 0);
    for (std::size_t i = 0; i < loops; ++i) {
        loops_.push_back(std::make_unique<Loop>());
        guards_.push_back(asio::make_work_guard(*loops_.back()));
    }
}

LoopPool::~LoopPool() {
    stop();
    guards_.clear();
    // Twice: what one loop destroys may post to another that was emptied before.
    for (int i = 0; i < 2; ++i)
        for (auto& loop : loops_)
            loop->shutdown();
}

asio::any_io_executor LoopPool::next() {
    return loops_[turn_++ % loops_.size()]->get_executor();
}

void LoopPool::start() {
    for (auto& loop : loops_)
        threads_.emplace_back([&loop] { loop->run(); });
}

void LoopPool::stop() {
    for (auto& loop : loops_)
        loop->stop();
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
}

}  // namespace scheduler
