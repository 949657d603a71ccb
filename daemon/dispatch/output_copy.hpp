#pragma once
/// OutputCopy reads a container's output from the engine into one spool file: `follow` while the
/// job runs, `whole` once it has ended. Lives on the core; the file is written on the disk's
/// thread, in batches: the first piece after a pause at once, then what comes in `write_pause`.
/// While too much waits to be written, the engine is not read. Owned by shared_ptr: the engine's
/// callbacks and the disk's tasks hold it.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/base/executor.hpp"
#include "daemon/dispatch/event_hub.hpp"
#include "daemon/engine/engine.hpp"
#include "daemon/spool/spool.hpp"

namespace scheduler {

class OutputCopy : public std::enable_shared_from_this<OutputCopy> {
  public:
    /// Opens the file; called on the disk's thread.
    using Open = UniqueFunction<Result<std::unique_ptr<SpoolWriter>>()>;
    /// Waiting to be written, when the engine has to wait.
    static constexpr std::size_t waiting_bytes_max = std::size_t{256} * 1024;
    /// Between two writes, while less than `batch_bytes` wait.
    static constexpr Duration write_pause{10};
    static constexpr std::size_t batch_bytes = std::size_t{64} * 1024;

    OutputCopy(Executor& core, Executor& disk, EventHub& events, JobId job, Open open);

    /// A reply must not own the copy, which owns the reply: what is under way keeps both alive.
    /// Replies when the engine's stream has ended and all of it is written, or with what stopped
    /// it: no_answer when it was cut, refused for the engine's own refusal. A disk that refuses is
    /// in `disk_error`.
    void run(Engine& engine,
             const std::string& container,
             bool follow,
             UniqueFunction<void(EngineResult<Done>)> reply);
    /// After a followed copy has ended well: whether it holds all of the container's output. The
    /// last piece may be missing, since Docker 20.10 now and then ends a followed log before a last
    /// line without newline; so the end is read again and what is missing is added.
    void complete(Engine& engine, const std::string& container, UniqueFunction<void(bool)> reply);
    /// True while the engine can't have changed to another log file: nothing is missing in between,
    /// and what the engine had at first was the beginning.
    [[nodiscard]] bool is_exact() const { return cost_ < log_file_bytes_min; }

    /// Calls back once so many bytes of output are written, or it is closed.
    void when_seen(std::uint64_t bytes, UniqueFunction<void()> then);
    /// Nothing is appended any more, and the file is closed.
    void close();
    [[nodiscard]] const std::optional<Error>& disk_error() const { return disk_error_; }
    /// Bytes of output that came so far.
    [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }

  private:
    struct File {
        Open open;
        std::unique_ptr<SpoolWriter> writer;  ///< on the disk's thread only
        Result<Done> append(const OutputBatch& batch);
    };
    struct Tail;

    bool append(const LogFrame& frame);
    void flush_soon();
    void pause();
    void flush();
    void on_written(std::uint64_t bytes, Result<Done> written);
    /// Calls back once nothing waits to be written.
    void when_written(UniqueFunction<void()> then);
    void call_ready();

    Executor& core_;
    Executor& disk_;
    EventHub& events_;
    JobId job_;
    std::shared_ptr<File> file_;
    std::shared_ptr<ReadGate> gate_ = std::make_shared<ReadGate>();
    OutputBatch batch_;
    bool is_flush_posted_ = false;
    bool is_writing_ = false;
    bool is_pausing_ = false;
    bool is_closed_ = false;
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    std::uint64_t cost_ = 0;  ///< of what was read, in the engine's log: no less than it takes
    /// The newest piece.
    LogStream last_stream_ = LogStream::out;
    decltype(LogFrame::at) last_at_{};
    std::string last_bytes_;
    std::optional<Error> disk_error_;
    UniqueFunction<void()> when_written_;
    std::vector<std::pair<std::uint64_t, UniqueFunction<void()>>> waiting_;  ///< by bytes to see
};

}  // namespace scheduler
