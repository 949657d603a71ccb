#pragma once
/// SimEngine is a container engine with the faults of a real one (Docker's, as measured): late and
/// lost answers, effects after the client is gone, events dropped, doubled and late, restarts that
/// kill what runs, strangers, hangs, hours of absence. Its containers survive the daemon. It knows
/// the truth: what ran, how often, and how it ended.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/engine/engine.hpp"
#include "tests/simulation/sim_time.hpp"

namespace scheduler::sim {

/// The image that it has.
inline constexpr const char* good_image = "test/busybox:1";

/// As long as a request that was taken may lie in the engine before it is executed: less than the
/// quiet time before a start is repeated, which is what the real engine keeps to (architecture,
/// "Started exactly once").
inline constexpr Duration queue_longest = 950ms;

/// What it says when it fails without a reason (500).
inline constexpr const char* refusal_words = "internal error";

/// What a simulated container does, said in the words of its command.
struct Program {
    Duration length{};
    std::int64_t exit_code = 0;
    bool traps_stop = false;  ///< ends by itself when asked to stop
    bool can_start = true;
    int lines = 0;  ///< of output, spread over its run

    [[nodiscard]] std::vector<std::string> command() const;
    static Program parse(const std::vector<std::string>& command);
};

/// A line that a container wrote, as the engine keeps it.
struct Printed {
    LogStream stream = LogStream::out;
    TimePoint at{};
    std::string bytes;
};

struct Container {
    std::string id;
    std::string name;
    std::map<std::string, std::string> labels;
    Program program;
    ContainerState::Phase phase = ContainerState::Phase::created;
    std::int64_t exit_code = 0;
    std::string error;
    std::optional<TimePoint> started_at;
    std::optional<TimePoint> finished_at;
    std::vector<Printed> printed;
    // The truth, which a client can't see.
    int starts = 0;
    SteadyPoint began{};  ///< its last start
    std::optional<SteadyPoint> over;
    bool was_stopped = false;          ///< it ended as the daemon asked
    bool was_seen_running = false;     ///< somebody heard it: the engine has written it down
    bool was_ended_by_engine = false;  ///< its restart, or the host's
    bool was_touched_by_stranger = false;
    bool is_removed = false;
    int run = 0;  ///< counts runs, so that an end belongs to its own

    /// All that it wrote, in its order.
    [[nodiscard]] std::string output() const;
};

class SimEngine final : public Engine {
  public:
    SimEngine(SimTime& time, Random& random) : time_(time), random_(random) {}

    // ---- what the world does to it ----
    bool has_faults = false;
    enum class Restart { keeps_containers, kills_containers, power_loss };
    void go_away(Duration length, Restart kind);
    void hang(Duration length);
    void stranger_stops();
    void stranger_removes();
    /// The daemon's process is gone: nobody hears the answers, what was sent is executed.
    void drop_client();
    /// Back at once and without faults.
    void heal();

    // ---- the truth ----
    [[nodiscard]] const std::map<std::string, std::shared_ptr<Container>>& containers() const {
        return by_id_;
    }
    /// How often it went away or hung.
    [[nodiscard]] int breaks() const { return breaks_; }
    /// All that ever existed under this name.
    [[nodiscard]] std::vector<std::shared_ptr<Container>> ever(const std::string& name) const;
    /// It came back after this moment, or then.
    [[nodiscard]] bool did_restart_since(SteadyPoint moment) const {
        return restarted_at_ && *restarted_at_ >= moment;
    }
    /// It answers, and what it says is whole.
    [[nodiscard]] bool is_well() const { return is_there_ && !is_hung() && !has_faults; }
    /// Called at each start of a container's process.
    std::function<void(const Container&)> on_start;
    std::function<void()> on_start_sent;
    /// Something is wrong: what it does, with the container of this name.
    std::function<void(const std::string& what, const std::string& container)> on_word;
    std::function<void(const std::string& name)> on_create_sent;

    // ---- Engine ----
    void connect(EngineReply<EngineIdentity> reply) override;
    void ping(EngineReply<Done> reply) override;
    void create(const ContainerRequest& request, EngineReply<std::string> reply) override;
    void start(const std::string& container, EngineReply<Done> reply) override;
    void stop(const std::string& container, Duration grace, EngineReply<Done> reply) override;
    void inspect(const std::string& container, EngineReply<ContainerState> reply) override;
    void remove(const std::string& container, EngineReply<Done> reply) override;
    void list(const std::string& label,
              const std::string& value,
              EngineReply<std::vector<ContainerSummary>> reply) override;
    void has_image(const std::string& image, EngineReply<bool> reply) override;
    void remembers_start(const std::string& container,
                         TimePoint from,
                         TimePoint to,
                         EngineReply<bool> reply) override;
    void logs(const std::string& container,
              LogReading reading,
              LogFrameSink sink,
              EngineReply<Done> reply) override;
    void remembers_creation(const std::string& container, EngineReply<Memory> reply) override;
    void watch(const std::string& label, const std::string& value, Watch watch) override;

  private:
    struct Follower {
        std::string container;
        std::size_t sent = 0;  ///< lines
        LogFrameSink sink;
        EngineReply<Done> reply;
    };
    /// A request between client and engine.
    template <class T>
    struct Call;
    template <class T>
    void call(std::string name,
              Duration deadline,
              UniqueFunction<EngineResult<T>()> effect,
              EngineReply<T> reply,
              bool is_queued = false);
    template <class T>
    void arrive(std::shared_ptr<Call<T>> call);
    template <class T>
    void answer(const std::shared_ptr<Call<T>>& call, EngineResult<T> result, Duration delay);

    void say(const char* what, const std::string& call) const;
    /// Runs on the daemon's core, if that process still lives.
    void tell(Duration delay, Task task);
    [[nodiscard]] bool is_hung() const { return time_.clock.steady() < hung_until_; }
    std::shared_ptr<Container> find(const std::string& id_or_name) const;
    void begin(const std::shared_ptr<Container>& container);
    void print_later(const std::shared_ptr<Container>& container, int line);
    void end(const std::shared_ptr<Container>& container, std::int64_t exit_code);
    void announce_end(const std::string& container);
    void go_on();
    void come_back(Restart kind);
    void break_watch(const std::string& reason);
    void break_followers();
    void bring_output();
    void forget(const std::shared_ptr<Container>& container);
    std::shared_ptr<Container> any_started();

    SimTime& time_;
    Random& random_;
    std::map<std::string, std::shared_ptr<Container>> by_id_;  ///< those that exist
    std::vector<std::shared_ptr<Container>> all_;
    std::multimap<std::string, std::shared_ptr<Container>> all_by_name_;
    std::set<std::string> remembered_starts_;
    std::set<std::string> remembered_creations_;
    bool is_there_ = true;
    SteadyPoint hung_until_{};
    std::vector<Task> parked_;  ///< requests that a hang holds up
    int process_ = 0;           ///< of the daemon: answers to an older one are dropped
    int lifetime_ = 0;          ///< of the engine: a request does not outlive it
    std::optional<SteadyPoint> restarted_at_;
    int breaks_ = 0;
    int made_ = 0;
    std::optional<Watch> watch_;
    std::vector<Follower> followers_;
};

}  // namespace scheduler::sim
