#pragma once
/// OutputCopy reads a container's output from the engine into one spool file: `follow` while the
/// job runs, `whole` once it has ended. Lives on the core. Appends go to the page cache in place;
/// only syncing (Spool::commit) needs the disk's thread. Owned by shared_ptr: the engine's
/// callbacks hold it.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/dispatch/event_hub.hpp"
#include "daemon/engine/engine.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

class OutputCopy : public std::enable_shared_from_this<OutputCopy> {
  public:
    OutputCopy(std::unique_ptr<SpoolWriter> writer, EventHub& events, JobId job)
        : writer_(std::move(writer)), events_(events), job_(job) {}

    /// Replies when the engine's stream has ended, or with what stopped it: no_answer when it was
    /// cut, refused for the engine's own refusal. A disk that refuses is in `disk_error`.
    void run(Engine& engine, const std::string& container, bool follow, EngineReply<Done> reply);
    /// Calls back once it has seen so many bytes of output, or is closed.
    void when_seen(std::uint64_t bytes, UniqueFunction<void()> then);
    /// Nothing is appended any more, and the file is closed.
    void close();
    [[nodiscard]] const std::optional<Error>& disk_error() const { return disk_error_; }

  private:
    bool append(const LogFrame& frame);
    void call_ready();

    std::unique_ptr<SpoolWriter> writer_;
    EventHub& events_;
    JobId job_;
    std::optional<Error> disk_error_;
    std::vector<std::pair<std::uint64_t, UniqueFunction<void()>>> waiting_;  ///< by bytes to see
};

}  // namespace scheduler
