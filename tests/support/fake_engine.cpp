#include "tests/support/fake_engine.hpp"

#include <utility>

namespace scheduler {

int FakeEngine::starts() const {
    int count = 0;
    for (const auto& call : calls)
        count += call.rfind("start ", 0) == 0 ? 1 : 0;
    return count;
}

int FakeEngine::calls_of(const std::string& verb) const {
    int count = 0;
    for (const auto& call : calls)
        count += call.rfind(verb + ' ', 0) == 0 ? 1 : 0;
    return count;
}

void FakeEngine::end(const std::string& container, std::int64_t exit_code, bool tell) {
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

void FakeEngine::bring_output(const std::string& container) {
    const std::string& output = containers.at(container).output;
    auto [begin, end] = followers_.equal_range(container);
    for (auto follower = begin; follower != end; ++follower) {
        give_lines(output.substr(follower->second.given), follower->second.sink);
        follower->second.given = output.size();
    }
}

void FakeEngine::break_follows() {
    auto broken = std::exchange(followers_, {});
    for (auto& [container, follower] : broken)
        follower.reply(no_answer<Done>());
}

void FakeEngine::go_down() {
    is_down = true;
    break_watch();
}

EngineIdentity FakeEngine::identity() const {
    return {id, "Fake 1", "unix:///fake", "1.41", 2};
}

void FakeEngine::break_watch() {
    if (watch_.on_break)
        std::exchange(watch_.on_break, {})({EngineFailure::Kind::no_answer, "it went away"});
}

void FakeEngine::connect(EngineReply<EngineIdentity> reply) {
    if (is_down || takes_no_connections) return reply(no_answer<EngineIdentity>());
    if (hangs_at_connects) return held_connects.push_back(std::move(reply));
    reply(identity());
}

void FakeEngine::ping(EngineReply<Done> reply) {
    if (is_down) return reply(no_answer<Done>());
    if (hangs_at_pings) return held_pings.push_back(std::move(reply));
    reply(Done{});
}

void FakeEngine::create(const ContainerRequest& request, EngineReply<std::string> reply) {
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

void FakeEngine::start(const std::string& container, EngineReply<Done> reply) {
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

void FakeEngine::stop(const std::string& container, Duration grace, EngineReply<Done> reply) {
    if (is_down) return reply(no_answer<Done>());
    calls.push_back("stop " + container + (grace == Duration(0) ? " now" : ""));
    last_grace = grace;
    if (hangs_at_stops) return held_stops.push_back(std::move(reply));
    if (auto found = containers.find(container); found != containers.end())
        if (found->second.state.phase == Phase::running && restarts_when_stopped-- <= 0)
            end(container, 137);
    reply(Done{});
}

void FakeEngine::inspect(const std::string& container, EngineReply<ContainerState> reply) {
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

void FakeEngine::remove(const std::string& container, EngineReply<Done> reply) {
    if (is_down) return reply(no_answer<Done>());
    if (is_refused("remove")) return reply(refused<Done>());
    calls.push_back("remove " + container);
    containers.erase(container);
    if (hangs_at_removes) return held_removes.push_back(std::move(reply));
    reply(Done{});
}

void FakeEngine::list(const std::string&,
                      const std::string&,
                      EngineReply<std::vector<ContainerSummary>> reply) {
    if (is_down) return reply(no_answer<std::vector<ContainerSummary>>());
    ++lists;
    if (is_silent_on_lists) return;
    if (is_refused("list")) return reply(refused<std::vector<ContainerSummary>>());
    std::vector<ContainerSummary> all;
    for (const auto& [key, container] : containers)
        all.push_back(
            {key, container.name, container.state.phase == Phase::running, container.state.labels});
    reply(std::move(all));
}

void FakeEngine::has_image(const std::string& image, EngineReply<bool> reply) {
    if (is_down) return reply(no_answer<bool>());
    calls.push_back("has_image " + image);
    if (is_silent_on_images) return unanswered_.push_back(std::move(reply));
    reply(missing_images.count(image) == 0);
}

void FakeEngine::remembers_start(const std::string& container,
                                 TimePoint,
                                 TimePoint,
                                 EngineReply<bool> reply) {
    if (is_down) return reply(no_answer<bool>());
    if (is_refused("remembers_start")) return reply(refused<bool>());
    calls.push_back("remembers_start " + container);
    reply(bool(remembers_starts));
}

void FakeEngine::remembers_creation(const std::string&, EngineReply<Memory> reply) {
    if (is_down) return reply(no_answer<Memory>());
    reply(forgets_creations ? Memory::no : Memory::yes);
}

void FakeEngine::logs(const std::string& container,
                      LogReading reading,
                      LogFrameSink sink,
                      EngineReply<Done> reply) {
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

void FakeEngine::watch(const std::string&, const std::string&, Watch watch) {
    watch_ = std::move(watch);
    ++watches;
    if (is_down) return go_down();
    watch_.on_open();
}

}  // namespace scheduler
