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

bool OutputCopy::append(const LogFrame& frame) {
    if (!writer_ || disk_error_) return false;
    auto appended = writer_->append(frame.stream, frame.at.time_since_epoch().count(), frame.bytes);
    if (!appended) {
        disk_error_ = appended.error();
        return false;
    }
    events_.output_grew(job_);
    return true;
}

}  // namespace scheduler
