#include "daemon/dispatch/output_copy.hpp"

namespace scheduler {

void OutputCopy::run(Engine& engine,
                     const std::string& container,
                     bool follow,
                     EngineReply<Done> reply) {
    engine.logs(
        container,
        follow,
        [self = shared_from_this()](const LogFrame& frame) { return self->append(frame); },
        [self = shared_from_this(), reply = std::move(reply)](EngineResult<Done> result) mutable {
            self->close();
            reply(std::move(result));
        });
}

void OutputCopy::when_seen(std::uint64_t bytes, UniqueFunction<void()> then) {
    waiting_.emplace_back(bytes, std::move(then));
    call_ready();
}

void OutputCopy::close() {
    writer_.reset();
    call_ready();
}

void OutputCopy::call_ready() {
    std::vector<UniqueFunction<void()>> ready;
    std::erase_if(waiting_, [&](auto& wait) {
        if (writer_ && writer_->bytes_seen() < wait.first) return false;
        ready.push_back(std::move(wait.second));
        return true;
    });
    for (auto& then : ready)
        then();
}

bool OutputCopy::append(const LogFrame& frame) {
    if (!writer_ || disk_error_) return false;
    auto appended = writer_->append(frame.stream, frame.at.time_since_epoch().count(), frame.bytes);
    if (!appended) {
        disk_error_ = appended.error();
        return false;
    }
    events_.output_grew(job_);
    if (!waiting_.empty()) call_ready();
    return true;
}

}  // namespace scheduler
