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

    [[nodiscard]] int starts() const {
        int count = 0;
        for (const auto& call : calls)
            count += call.rfind("start ", 0) == 0 ? 1 : 0;
        return count;
    }
    [[nodiscard]] int calls_of(const std::string& verb) const {
        int count = 0;
        for (const auto& call : calls)
            count += call.rfind(verb + ' ', 0) == 0 ? 1 : 0;
        return count;
    }
    Container& only() { return containers.begin()->second; }

    void end(const std::string& container, std::int64_t exit_code, bool tell = true) {
        ContainerState& state = containers.at(container).state;
        state.phase = Phase::ended;
        state.exit_code = exit_code;
        state.finished_at = clock_.now();
        if (!follow_loses_end) bring_output(container);
        if (tell && watch_.on_end) watch_.on_end(container);
        auto [begin, past] = followers_.equal_range(container);
        std::vector<EngineReply<Done>> replies;
        for (auto follower = begin; follower != past && !follow_hangs; ++follower)
            replies.push_back(std::move(follower->second.reply));
        if (!follow_hangs) followers_.erase(begin, past);
        for (auto& reply : replies)
            reply(Done{});
    }
    /// Brings what the container printed since to who follows it.
    void bring_output(const std::string& container) {
        const std::string& output = containers.at(container).output;
        auto [begin, end] = followers_.equal_range(container);
        for (auto follower = begin; follower != end; ++follower) {
            give_lines(output.substr(follower->second.given), follower->second.sink);
            follower->second.given = output.size();
        }
    }
    void break_follows() {
        auto broken = std::exchange(followers_, {});
        for (auto& [container, follower] : broken)
            follower.reply(no_answer<Done>());
    }
    void go_down() {
        is_down = true;
        break_watch();
    }

    [[nodiscard]] EngineIdentity identity() const {
        return {id, "Fake 1", "unix:///fake", "1.41", 2};
    }
    void break_watch() {
        if (watch_.on_break)
            std::exchange(watch_.on_break, {})({EngineFailure::Kind::no_answer, "it went away"});
    }

    // ---- Engine ----
    void connect(EngineReply<EngineIdentity> reply) override {
        if (is_down || takes_no_connections) return reply(no_answer<EngineIdentity>());
        if (hangs_at_connects) return held_connects.push_back(std::move(reply));
        reply(identity());
    }
    void ping(EngineReply<Done> reply) override {
        if (is_down) return reply(no_answer<Done>());
        if (hangs_at_pings) return held_pings.push_back(std::move(reply));
        reply(Done{});
    }
    void create(const ContainerRequest& request, EngineReply<std::string> reply) override {
        if (is_down) return reply(no_answer<std::string>());
        calls.push_back("create " + request.name);
        if (!refuse_create.empty())
            return reply(fail(EngineFailure{EngineFailure::Kind::refused, refuse_create}));
        for (const auto& [key, container] : containers)
            if (container.name == request.name)
                return reply(fail(EngineFailure{EngineFailure::Kind::name_taken, "name in use"}));
        std::string key = "c" + std::to_string(++last_);
        Container& made = containers[key];
        made.name = request.name;
        made.state.id = key;
        made.state.labels = request.labels;
        made.spec = request.spec;
        if (!drops_limits) made.state.limits = {true, true, true, request.spec.ulimits};
        if (std::exchange(loses_next_create_answer, false)) return reply(no_answer<std::string>());
        reply(key);
    }
    void start(const std::string& container, EngineReply<Done> reply) override {
        if (is_down) return reply(no_answer<Done>());
        if (is_refused("start")) return reply(refused<Done>());
        calls.push_back("start " + container);
        auto found = containers.find(container);
        if (found == containers.end()) return reply(not_found<Done>());
        if (std::exchange(drops_next_start, false)) return reply(no_answer<Done>());
        Container& started = found->second;
        if (!refuse_start.empty()) {
            started.state.error = refuse_start;
            started.state.exit_code = 127;
            return reply(fail(EngineFailure{EngineFailure::Kind::refused, refuse_start}));
        }
        if (started.state.phase != Phase::running) {
            ++started.starts;
            started.state.phase = Phase::running;
            started.state.started_at = clock_.now();
        }
        if (std::exchange(loses_next_start_answer, false)) return reply(no_answer<Done>());
        reply(Done{});
    }
    void stop(const std::string& container, Duration grace, EngineReply<Done> reply) override {
        if (is_down) return reply(no_answer<Done>());
        calls.push_back("stop " + container + (grace == Duration(0) ? " now" : ""));
        last_grace = grace;
        if (hangs_at_stops) return held_stops.push_back(std::move(reply));
        if (auto found = containers.find(container); found != containers.end())
            if (found->second.state.phase == Phase::running && restarts_when_stopped-- <= 0)
                end(container, 137);
        reply(Done{});
    }
    void inspect(const std::string& container, EngineReply<ContainerState> reply) override {
        if (is_down) return reply(no_answer<ContainerState>());
        if (hangs_at_inspects)
            return held_inspects.push_back([this, container, reply = std::move(reply)]() mutable {
                inspect(container, std::move(reply));
            });
        if (is_refused("inspect")) return reply(refused<ContainerState>());
        if (std::exchange(goes_down_at_inspect, false)) go_down();
        for (const auto& [key, candidate] : containers)
            if (key == container || candidate.name == container)
                return reply(ContainerState(candidate.state));
        reply(not_found<ContainerState>());
    }
    void remove(const std::string& container, EngineReply<Done> reply) override {
        if (is_down) return reply(no_answer<Done>());
        if (is_refused("remove")) return reply(refused<Done>());
        calls.push_back("remove " + container);
        containers.erase(container);
        if (hangs_at_removes) return held_removes.push_back(std::move(reply));
        reply(Done{});
    }
    void list(const std::string&,
              const std::string&,
              EngineReply<std::vector<ContainerSummary>> reply) override {
        if (is_down) return reply(no_answer<std::vector<ContainerSummary>>());
        ++lists;
        if (is_silent_on_lists) return;
        if (is_refused("list")) return reply(refused<std::vector<ContainerSummary>>());
        std::vector<ContainerSummary> all;
        for (const auto& [key, container] : containers)
            all.push_back({key,
                           container.name,
                           container.state.phase == Phase::running,
                           container.state.labels});
        reply(std::move(all));
    }
    void has_image(const std::string& image, EngineReply<bool> reply) override {
        if (is_down) return reply(no_answer<bool>());
        calls.push_back("has_image " + image);
        if (is_silent_on_images) return unanswered_.push_back(std::move(reply));
        reply(missing_images.count(image) == 0);
    }
    void remembers_start(const std::string& container,
                         TimePoint,
                         TimePoint,
                         EngineReply<bool> reply) override {
        if (is_down) return reply(no_answer<bool>());
        if (is_refused("remembers_start")) return reply(refused<bool>());
        calls.push_back("remembers_start " + container);
        reply(bool(remembers_starts));
    }
    void remembers_creation(const std::string&, EngineReply<Memory> reply) override {
        if (is_down) return reply(no_answer<Memory>());
        reply(forgets_creations ? Memory::no : Memory::yes);
    }
    void logs(const std::string& container,
              LogReading reading,
              LogFrameSink sink,
              EngineReply<Done> reply) override {
        if (is_down) return reply(no_answer<Done>());
        if (reading.follow) {
            ++follows;
            if (containers.count(container) == 0) return reply(not_found<Done>());
            if (containers.at(container).state.phase == Phase::ended) {
                give_lines(containers.at(container).output, sink);
                return reply(Done{});
            }
            followers_.emplace(container, Follower{std::move(sink), std::move(reply), 0});
            return;
        }
        if (is_refused("logs")) return reply(refused<Done>());
        if (is_silent_on_logs) return unanswered_logs_.push_back(std::move(reply));
        if (!reading.tail) ++readings;
        give_lines(containers.at(container).output, sink);
        reply(Done{});
    }
    void watch(const std::string&, const std::string&, Watch watch) override {
        watch_ = std::move(watch);
        ++watches;
        if (is_down) return go_down();
        watch_.on_open();
    }

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
