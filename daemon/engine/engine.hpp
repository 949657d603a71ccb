#pragma once
/// Engine: what runs containers. Asynchronous; called on the core thread, and every reply and
/// callback comes on the core thread. Calls have deadlines of their own; destroying the engine
/// drops what is under way. It keeps no state about jobs.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/job_spec.hpp"
#include "common/requests/logs.hpp"
#include "common/time.hpp"
#include "daemon/base/reply.hpp"
#include "daemon/engine/read_gate.hpp"

namespace scheduler {

/// Why a call failed. What the caller does next depends on the kind alone.
struct EngineFailure {
    enum class Kind {
        no_answer,   ///< unreachable, cut or timed out: the effect is unknown
        not_found,   ///< no such container (a missing image or network is `refused`)
        name_taken,  ///< create: a container of that name exists
        refused,     ///< the engine answered with an error, in `message`
    };
    Kind kind = Kind::no_answer;
    std::string message;  ///< the engine's own words, or ours for no_answer
};

template <class T>
using EngineReply = Reply<T, EngineFailure>;
template <class T>
using EngineResult = Result<T, EngineFailure>;

/// Who and what the engine is.
struct EngineIdentity {
    std::string id;           ///< stable for one engine's data root (GET /info, ID)
    std::string name;         ///< `Docker 20.10.24` or `Podman 4.3.1`
    std::string address;      ///< `unix:///var/run/docker.sock`
    std::string api_version;  ///< the one in use
    int cores = 1;
};

struct ContainerRequest {
    std::string name;   ///< schedulerd-<id>-<attempt>
    std::string image;  ///< a valid reference with tag or digest
    JobSpec spec;       ///< all but its image, labels and timeout
    std::map<std::string, std::string> labels;
    /// The engine keeps at least this much of the newest output, and all of an output that is not
    /// longer.
    std::int64_t log_bytes_max = 0;
};

/// An engine keeps output in files of its own and changes to a new file now and then. It may take a
/// piece of output up to this many bytes more than the piece itself.
constexpr std::uint64_t log_piece_cost_max = 48;
/// The first change to a new file comes no earlier than this, in bytes of the engine's own,
/// whatever the limit. What was read of a log is exact up to there: later its beginning may be
/// gone, and a reading that follows may leave out or repeat some of it (measured with Docker
/// 20.10).
constexpr std::uint64_t log_file_bytes_min = std::uint64_t{64} * 1024 * 1024;

/// Which limits a container was created with. An engine whose kernel can't keep one creates the
/// container without it, with no more than a warning (Docker), or without a word (Podman).
struct LimitsInForce {
    bool memory = false;
    bool cpus = false;
    bool pids = false;
    std::vector<Ulimit> ulimits;
};

struct ContainerState {
    enum class Phase {
        created,  ///< never ran; `error` is set when a start failed
        running,  ///< running, paused or restarting
        ended,    ///< exited or dead: exit_code and times are final
        removing,
    };
    std::string id;
    Phase phase = Phase::created;
    std::map<std::string, std::string> labels;
    LimitsInForce limits;
    std::int64_t exit_code = 0;  ///< of an ended container, or 126 to 128 of one whose start failed
    std::string error;
    bool out_of_memory = false;
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> finished_at;
};

struct ContainerSummary {
    std::string id;
    std::string name;
    bool is_running = false;
    std::map<std::string, std::string> labels;
};

/// A piece of output: one frame of the engine's log stream, without its header.
struct LogFrame {
    LogStream stream = LogStream::out;
    std::chrono::sys_time<std::chrono::nanoseconds> at{};
    std::string_view bytes;  ///< valid during the callback only
};
/// Called for each frame; returns false to end the reading.
using LogFrameSink = UniqueFunction<bool(const LogFrame&)>;

/// How a container's output is read.
struct LogReading {
    bool follow = false;                       ///< until the container ends; else what there is now
    std::optional<int> tail;                   ///< the last pieces only; an engine may give more
    std::shared_ptr<ReadGate> gate = nullptr;  ///< while it is closed, the engine is not read
};

class Engine {
  public:
    virtual ~Engine() = default;

    /// Negotiates the API version and learns who answers. Called at first and after each break.
    virtual void connect(EngineReply<EngineIdentity> reply) = 0;
    /// Answers when the engine does.
    virtual void ping(EngineReply<Done> reply) = 0;

    /// Replies with the container's id.
    virtual void create(const ContainerRequest& request, EngineReply<std::string> reply) = 0;
    /// Success also when it was running already (304). The request is on its way when this returns,
    /// if a connection is free: nothing is awaited in between (docs/architecture.md, "Started
    /// exactly once").
    virtual void start(const std::string& container, EngineReply<Done> reply) = 0;
    /// Stop signal, then KILL after `grace`. Success when it has ended or was not running.
    virtual void stop(const std::string& container, Duration grace, EngineReply<Done> reply) = 0;
    /// By id or name.
    virtual void inspect(const std::string& container, EngineReply<ContainerState> reply) = 0;
    /// With its anonymous volumes. Success also when it is gone or being removed.
    virtual void remove(const std::string& container, EngineReply<Done> reply) = 0;
    /// All containers with this label, in any state.
    virtual void list(const std::string& label,
                      const std::string& value,
                      EngineReply<std::vector<ContainerSummary>> reply) = 0;
    /// 404 is success with false.
    virtual void has_image(const std::string& image, EngineReply<bool> reply) = 0;

    /// Whether the engine still knows that it started this container, which ran from `from` to
    /// `to`: then it did not restart since, so it was not its restart that ended the container.
    /// False proves nothing: the memory is short, and some engines have none.
    virtual void remembers_start(const std::string& container,
                                 TimePoint from,
                                 TimePoint to,
                                 EngineReply<bool> reply) = 0;

    /// Whether the engine is still the process that created this container. One that died while it
    /// started a container knows nothing of that start afterwards, and says `created` of a
    /// container that ran. An engine whose containers don't depend on its process says yes.
    enum class Memory { yes, no, unclear };
    virtual void remembers_creation(const std::string& container, EngineReply<Memory> reply) {
        (void)container;
        reply(Memory::yes);
    }

    /// Reads output from the beginning of what the engine still has. Replies Done at a clean end
    /// (last chunk seen, or the sink said stop), no_answer when it was cut.
    virtual void logs(const std::string& container,
                      LogReading reading,
                      LogFrameSink sink,
                      EngineReply<Done> reply) = 0;

    /// Watches for ends of containers with this label. `on_end` is a hint: the caller inspects.
    /// `on_open` when the stream stands, `on_break` once when it ends for whatever reason (also
    /// when it never stood). A second call replaces the first watch.
    struct Watch {
        UniqueFunction<void()> on_open;
        UniqueFunction<void(const std::string& container)> on_end;
        UniqueFunction<void(const EngineFailure&)> on_break;
    };
    virtual void watch(const std::string& label, const std::string& value, Watch watch) = 0;
};

}  // namespace scheduler
