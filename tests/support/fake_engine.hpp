#pragma once
/// An engine in memory that records what it is asked, for tests of the dispatcher. Replies come at
/// once, on the caller's thread, unless it is down: then every call is no_answer.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/engine/engine.hpp"
#include "tests/support/fake_clock.hpp"

namespace scheduler {

class FakeEngine final : public Engine {
  public:
    using Phase = ContainerState::Phase;
    explicit FakeEngine(FakeClock& clock) : clock_(clock) {}

    struct Container {
        ContainerState state;
        std::string name;
        JobSpec spec;
        int starts = 0;
        std::string output;
    };

    // ---- what tests set and look at ----
    bool is_down = false;
    bool takes_no_connections = false;  ///< it shuts down: it answers only who is connected
    bool goes_down_at_inspect = false;  ///< once, before its answer is read
    bool hangs_at_connects = false;     ///< they wait in held_connects
    std::vector<EngineReply<EngineIdentity>> held_connects;
    int watches = 0;              ///< how often events were watched
    bool hangs_at_pings = false;  ///< they wait in held_pings
    std::vector<EngineReply<Done>> held_pings;
    bool hangs_at_stops = false;  ///< they wait in held_stops, without effect
    std::vector<EngineReply<Done>> held_stops;
    bool hangs_at_removes = false;  ///< they wait in held_removes; what they take away is gone
    std::vector<EngineReply<Done>> held_removes;
    bool hangs_at_inspects = false;  ///< they wait in held_inspects, as calls to be made
    std::vector<UniqueFunction<void()>> held_inspects;
    bool loses_next_start_answer = false;  ///< the effect takes place, the answer does not come
    bool loses_next_create_answer = false;
    bool drops_next_start = false;       ///< neither effect nor answer
    bool forgets_creations = false;      ///< true: it restarted
    bool remembers_starts = false;       ///< true: it has not restarted
    std::map<std::string, int> refuses;  ///< verb: so many of the next calls, without an effect
    std::string refuse_create;           ///< the engine's words
    std::string refuse_start;
    bool drops_limits = false;  ///< as an engine whose kernel can't keep them
    std::set<std::string> missing_images;
    Duration last_grace{};  ///< of the last stop
    bool is_silent_on_images = false;
    bool is_silent_on_lists = false;
    bool is_silent_on_logs = false;  ///< but for output that is followed
    int lists = 0;                   ///< how often the containers were listed
    int follows = 0;                 ///< how often output was followed
    int readings = 0;                ///< how often it was read from the beginning
    bool follow_loses_end = false;   ///< what was not brought when the container ends
    int restarts_when_stopped = 0;   ///< by a stranger, so often
    bool follow_hangs = false;       ///< it does not end with the container
    std::string id = "engine-1";
    std::map<std::string, Container> containers;  ///< by id
    std::vector<std::string> calls;               ///< `create schedulerd-…`, `start c1`, …

    [[nodiscard]] int starts() const;
    [[nodiscard]] int calls_of(const std::string& verb) const;
    Container& only() { return containers.begin()->second; }

    void end(const std::string& container, std::int64_t exit_code, bool tell = true);
    /// Brings what the container printed since to who follows it.
    void bring_output(const std::string& container);
    void break_follows();
    void go_down();

    [[nodiscard]] EngineIdentity identity() const;
    void break_watch();

    // ---- Engine ----
    void connect(EngineReply<EngineIdentity> reply) override;
    void ping(EngineReply<Done> reply) override;
    void create(const ContainerRequest& request, EngineReply<std::string> reply) override;
    void start(const std::string& container, EngineReply<Done> reply) override;
    void stop(const std::string& container, Duration grace, EngineReply<Done> reply) override;
    void inspect(const std::string& container, EngineReply<ContainerState> reply) override;
    void remove(const std::string& container, EngineReply<Done> reply) override;
    void list(const std::string&,
              const std::string&,
              EngineReply<std::vector<ContainerSummary>> reply) override;
    void has_image(const std::string& image, EngineReply<bool> reply) override;
    void remembers_start(const std::string& container,
                         TimePoint,
                         TimePoint,
                         EngineReply<bool> reply) override;
    void remembers_creation(const std::string&, EngineReply<Memory> reply) override;
    void logs(const std::string& container,
              LogReading reading,
              LogFrameSink sink,
              EngineReply<Done> reply) override;
    void watch(const std::string&, const std::string&, Watch watch) override;

  private:
    struct Follower {
        LogFrameSink sink;
        EngineReply<Done> reply;
        std::size_t given = 0;
    };
    /// A piece a line, as engines do.
    static void give_lines(const std::string& output, LogFrameSink& sink) {
        for (std::size_t begin = 0; begin < output.size();) {
            std::size_t end = std::min(output.find('\n', begin), output.size() - 1) + 1;
            if (!sink(LogFrame{LogStream::out, {}, output.substr(begin, end - begin)})) return;
            begin = end;
        }
    }
    template <class T>
    static EngineResult<T> no_answer() {
        return fail(EngineFailure{EngineFailure::Kind::no_answer, "the engine does not answer"});
    }
    bool is_refused(const std::string& verb) {
        auto found = refuses.find(verb);
        return found != refuses.end() && found->second-- > 0;
    }
    template <class T>
    static EngineResult<T> refused() {
        return fail(EngineFailure{EngineFailure::Kind::refused, "internal error"});
    }
    template <class T>
    static EngineResult<T> not_found() {
        return fail(EngineFailure{EngineFailure::Kind::not_found, "No such container"});
    }

    FakeClock& clock_;
    std::vector<EngineReply<bool>> unanswered_;
    std::vector<EngineReply<Done>> unanswered_logs_;
    Watch watch_;
    std::multimap<std::string, Follower> followers_;
    int last_ = 0;
};

}  // namespace scheduler
