#include "tests/simulation/sim_engine.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace scheduler::sim {
namespace {

using Kind = EngineFailure::Kind;
using Phase = ContainerState::Phase;

/// The client's own time limits.
constexpr Duration short_deadline = 10s;
constexpr Duration create_deadline = 60s;
constexpr Duration start_deadline = 120s;

Failure<EngineFailure> no_answer() {
    return fail(EngineFailure{Kind::no_answer, "the engine does not answer"});
}
Failure<EngineFailure> not_found(const std::string& container) {
    return fail(EngineFailure{Kind::not_found, "No such container: " + container});
}
Failure<EngineFailure> refused(std::string words) {
    return fail(EngineFailure{Kind::refused, std::move(words)});
}

LogFrame frame_of(const Printed& line, std::string_view bytes) {
    return LogFrame{line.stream, line.at, bytes};
}

}  // namespace

std::vector<std::string> Program::command() const {
    return {"run",
            std::to_string(length.count()),
            std::to_string(exit_code),
            traps_stop ? "traps" : "ignores",
            can_start ? "starts" : "nosuchcmd",
            std::to_string(lines)};
}

Program Program::parse(const std::vector<std::string>& command) {
    Program program;
    if (command.size() < 6) return program;
    program.length = Duration(std::stoll(command[1]));
    program.exit_code = std::stoll(command[2]);
    program.traps_stop = command[3] == "traps";
    program.can_start = command[4] == "starts";
    program.lines = std::stoi(command[5]);
    return program;
}

std::string Container::output() const {
    std::string all;
    for (const Printed& line : printed)
        all += line.bytes;
    return all;
}

// ---- calls ----

template <class T>
struct SimEngine::Call {
    UniqueFunction<EngineResult<T>()> effect;
    EngineReply<T> reply;
    std::string name;
    int process = 0;
    int lifetime = 0;
    bool is_answered = false;
    bool loses_answer = false;
};

void SimEngine::tell(Duration delay, Task task) {
    time_.after(delay, [this, process = process_, task = std::move(task)]() mutable {
        if (process == process_) time_.core.post(std::move(task));
    });
}

void SimEngine::say(const char* what, const std::string& call) const {
    if (!on_word) return;
    std::size_t blank = call.find(' ');
    std::string container = blank == std::string::npos ? "" : call.substr(blank + 1);
    for (const auto& each : all_)
        if (each->id == container) container = each->name;
    on_word(fmt::format("{} {}", what, call.substr(0, blank)), container);
}

template <class T>
void SimEngine::answer(const std::shared_ptr<Call<T>>& call,
                       EngineResult<T> result,
                       Duration delay) {
    if (std::exchange(call->is_answered, true) || call->process != process_) return;
    auto said = std::make_shared<EngineResult<T>>(std::move(result));
    tell(delay, [this, call, said, lifetime = lifetime_] {
        // What an engine that died had said may still be on its way, or be cut.
        if (lifetime != lifetime_ && random_.chance(50)) *said = no_answer();
        call->reply(std::move(*said));
    });
}

template <class T>
void SimEngine::call(std::string name,
                     Duration deadline,
                     UniqueFunction<EngineResult<T>()> effect,
                     EngineReply<T> reply,
                     bool is_queued) {
    auto made = std::make_shared<Call<T>>();
    made->effect = std::move(effect);
    made->reply = std::move(reply);
    made->name = std::move(name);
    made->process = process_;
    made->lifetime = lifetime_;
    if (!is_there_) return answer<T>(made, no_answer(), random_.between(0ms, 2ms));
    std::uint64_t fate = has_faults ? random_.below(100) : 100;
    if (fate < 1) return answer<T>(made, no_answer(), random_.between(0ms, 20ms));  // never sent
    if (fate < 2) {
        say("refuses to", made->name);
        return answer<T>(made, refused(refusal_words), random_.between(0ms, 20ms));
    }
    made->loses_answer = fate < 4;
    time_.after(deadline, [this, weak = std::weak_ptr(made)] {
        if (auto late = weak.lock()) answer<T>(late, no_answer(), 0ms);
    });
    Duration way = random_.between(0ms, 3ms);
    if (fate < 12 || (is_queued && random_.chance(50))) way = random_.between(0ms, queue_longest);
    time_.after(way, [this, made] { arrive<T>(made); });
}

/// The engine executes a request, whether or not its client still lives.
template <class T>
void SimEngine::arrive(std::shared_ptr<Call<T>> call) {
    if (!is_there_ || call->lifetime != lifetime_)
        return answer<T>(call, no_answer(), random_.between(0ms, 5ms));  // cut
    if (is_hung()) return parked_.push_back([this, call] { arrive<T>(call); });
    EngineResult<T> result = call->effect();
    if (result && call->process != process_) say("goes on without a client to", call->name);
    if (call->loses_answer) result = no_answer();
    answer<T>(call, std::move(result), random_.between(0ms, has_faults ? 30ms : 3ms));
}

void SimEngine::connect(EngineReply<EngineIdentity> reply) {
    call<EngineIdentity>(
        "connect",
        short_deadline,
        []() -> EngineResult<EngineIdentity> {
            return EngineIdentity{"engine-1", "Simulated 1", "unix:///simulated", "1.41", 2};
        },
        std::move(reply));
}

void SimEngine::ping(EngineReply<Done> reply) {
    call<Done>(
        "ping", short_deadline, []() -> EngineResult<Done> { return Done{}; }, std::move(reply));
}

void SimEngine::create(const ContainerRequest& request, EngineReply<std::string> reply) {
    call<std::string>(
        "create " + request.name,
        create_deadline,
        [this, request]() -> EngineResult<std::string> {
            for (const auto& [id, other] : by_id_)
                if (other->name == request.name)
                    return fail(EngineFailure{Kind::name_taken, "the name is in use"});
            if (request.image.rfind("nosuch", 0) == 0)
                return refused("No such image: " + request.image);
            auto made = std::make_shared<Container>();
            made->id = fmt::format("c{}", ++made_);
            made->name = request.name;
            made->labels = request.labels;
            made->program = Program::parse(request.spec.command);
            remembered_creations_.insert(made->id);
            by_id_[made->id] = made;
            all_.push_back(made);
            all_by_name_.emplace(made->name, made);
            return std::string(made->id);
        },
        std::move(reply));
    if (on_create_sent) on_create_sent(request.name);
}

void SimEngine::start(const std::string& container, EngineReply<Done> reply) {
    call<Done>(
        "start " + container,
        start_deadline,
        [this, container]() -> EngineResult<Done> {
            auto found = find(container);
            if (!found) return not_found(container);
            if (found->phase == Phase::running) return Done{};
            if (!found->program.can_start) {
                found->error = "exec: \"nosuchcmd\": executable file not found in $PATH";
                found->exit_code = 127;
                return refused(found->error);
            }
            begin(found);
            return Done{};
        },
        [this, container, reply = std::move(reply)](EngineResult<Done> started) mutable {
            if (auto found = find(container); found && started) found->was_seen_running = true;
            reply(std::move(started));
        },
        true);
    if (on_start_sent) on_start_sent();
}

void SimEngine::stop(const std::string& container, Duration grace, EngineReply<Done> reply) {
    call<Done>(
        "stop " + container,
        grace + 30s,
        [this, container, grace]() -> EngineResult<Done> {
            auto found = find(container);
            if (!found) return not_found(container);
            if (found->phase != Phase::running) return Done{};
            bool traps = found->program.traps_stop && grace > Duration(0);
            time_.after(traps ? std::min(grace, Duration(70)) : grace,
                        [this, found, traps, run = found->run] {
                            if (found->run != run || found->phase != Phase::running) return;
                            found->was_stopped = true;
                            end(found, traps ? found->program.exit_code : 137);
                        });
            return Done{};
        },
        std::move(reply));
}

void SimEngine::inspect(const std::string& container, EngineReply<ContainerState> reply) {
    call<ContainerState>(
        "inspect " + container,
        short_deadline,
        [this, container]() -> EngineResult<ContainerState> {
            auto found = find(container);
            if (!found) return not_found(container);
            ContainerState state;
            found->was_seen_running |= found->phase == Phase::running;
            state.id = found->id;
            state.phase = found->phase;
            state.labels = found->labels;
            state.exit_code = found->exit_code;
            state.error = found->error;
            state.started_at = found->started_at;
            state.finished_at = found->finished_at;
            return state;
        },
        std::move(reply));
}

void SimEngine::remove(const std::string& container, EngineReply<Done> reply) {
    call<Done>(
        "remove " + container,
        short_deadline,
        [this, container]() -> EngineResult<Done> {
            auto found = find(container);
            if (!found) return Done{};
            if (found->phase == Phase::running)
                return refused("You cannot remove a running container " + container);
            if (has_faults && random_.chance(10))
                return refused("driver failed to remove root filesystem: device or resource busy");
            forget(found);
            return Done{};
        },
        std::move(reply));
}

void SimEngine::list(const std::string& label,
                     const std::string& value,
                     EngineReply<std::vector<ContainerSummary>> reply) {
    call<std::vector<ContainerSummary>>(
        "list",
        short_deadline,
        [this, label, value]() -> EngineResult<std::vector<ContainerSummary>> {
            std::vector<ContainerSummary> listed;
            for (const auto& [id, container] : by_id_) {
                auto found = container->labels.find(label);
                if (found == container->labels.end() || found->second != value) continue;
                listed.push_back(
                    {id, container->name, container->phase == Phase::running, container->labels});
            }
            return listed;
        },
        std::move(reply));
}

void SimEngine::has_image(const std::string& image, EngineReply<bool> reply) {
    call<bool>(
        "has_image",
        short_deadline,
        [image]() -> EngineResult<bool> { return image.rfind("nosuch", 0) != 0; },
        std::move(reply));
}

void SimEngine::remembers_start(const std::string& container,
                                TimePoint,
                                TimePoint,
                                EngineReply<bool> reply) {
    call<bool>(
        "remembers_start " + container,
        short_deadline,
        [this, container]() -> EngineResult<bool> {
            return remembered_starts_.count(container) > 0;
        },
        std::move(reply));
}

void SimEngine::remembers_creation(const std::string& container, EngineReply<Memory> reply) {
    call<Memory>(
        "remembers_creation " + container,
        short_deadline,
        [this, container]() -> EngineResult<Memory> {
            return remembered_creations_.count(container) > 0 ? Memory::yes : Memory::no;
        },
        std::move(reply));
}

void SimEngine::logs(const std::string& container,
                     LogReading reading,
                     LogFrameSink sink,
                     EngineReply<Done> reply) {
    auto shared = std::make_shared<std::pair<LogFrameSink, EngineReply<Done>>>(std::move(sink),
                                                                               std::move(reply));
    using Lines = std::vector<Printed>;
    call<Lines>(
        "logs " + container,
        short_deadline,
        [this, container]() -> EngineResult<Lines> {
            auto found = find(container);
            if (!found) return not_found(container);
            return Lines(found->printed);
        },
        [this, container, reading, shared](EngineResult<Lines> lines) {
            auto& [said_sink, said_reply] = *shared;
            if (!lines) return said_reply(fail(lines.error()));
            if (reading.follow) {
                followers_.push_back({container, 0, std::move(said_sink), std::move(said_reply)});
                return bring_output();
            }
            std::size_t first = 0;
            if (reading.tail && lines->size() > static_cast<std::size_t>(*reading.tail))
                first = lines->size() - static_cast<std::size_t>(*reading.tail);
            std::size_t whole = 0;
            for (std::size_t i = first; i < lines->size(); ++i)
                whole += (*lines)[i].bytes.size();
            // A reading is cut anywhere, and a cut one is no success.
            std::size_t left = has_faults && random_.chance(3) ? random_.below(whole + 1) : whole;
            bool is_cut = left < whole;
            for (std::size_t i = first; i < lines->size() && left > 0; ++i) {
                auto bytes = std::string_view((*lines)[i].bytes).substr(0, left);
                left -= bytes.size();
                if (!said_sink(frame_of((*lines)[i], bytes))) break;
            }
            if (is_cut) return said_reply(no_answer());
            said_reply(Done{});
        });
}

void SimEngine::watch(const std::string&, const std::string&, Watch watch) {
    watch_.reset();
    auto shared = std::make_shared<Watch>(std::move(watch));
    call<Done>(
        "watch",
        short_deadline,
        []() -> EngineResult<Done> { return Done{}; },
        [this, shared](EngineResult<Done> stands) {
            if (!stands) return shared->on_break(stands.error());
            if (!is_there_) return shared->on_break({Kind::no_answer, "it went away"});
            watch_ = std::move(*shared);
            watch_->on_open();
        });
}

// ---- what runs ----

std::shared_ptr<Container> SimEngine::find(const std::string& id_or_name) const {
    if (auto found = by_id_.find(id_or_name); found != by_id_.end()) return found->second;
    for (const auto& [id, container] : by_id_)
        if (container->name == id_or_name) return container;
    return nullptr;
}

void SimEngine::begin(const std::shared_ptr<Container>& container) {
    container->phase = Phase::running;
    container->started_at = time_.clock.now();
    container->finished_at.reset();
    container->exit_code = 0;
    ++container->starts;
    container->began = time_.clock.steady();
    container->over.reset();
    int run = ++container->run;
    remembered_starts_.insert(container->id);
    if (on_start) on_start(*container);
    for (int line = 0; line < container->program.lines; ++line)
        print_later(container, line);
    time_.after(container->program.length, [this, container, run] {
        if (container->run == run && container->phase == Phase::running)
            end(container, container->program.exit_code);
    });
}

void SimEngine::print_later(const std::shared_ptr<Container>& container, int line) {
    Duration at = container->program.length * line / container->program.lines;
    time_.after(at, [this, container, line, run = container->run] {
        if (container->run != run || container->phase != Phase::running) return;
        // Both streams, in one order.
        container->printed.push_back({line % 3 == 1 ? LogStream::err : LogStream::out,
                                      time_.clock.now(),
                                      fmt::format("{} line {}\n", container->name, line)});
        bring_output();
    });
}

void SimEngine::end(const std::shared_ptr<Container>& container, std::int64_t exit_code) {
    container->phase = Phase::ended;
    container->exit_code = exit_code;
    container->finished_at = time_.clock.now();
    container->over = time_.clock.steady();
    announce_end(container->id);
    bring_output();
}

/// Events are hints: they come late, twice, or not at all.
void SimEngine::announce_end(const std::string& container) {
    std::uint64_t fate = has_faults ? random_.below(100) : 100;
    if (fate < 8 || !is_there_) return;
    int times = fate < 16 ? 2 : 1;
    for (int i = 0; i < times; ++i) {
        Duration delay = fate < 24 ? random_.between(0ms, 5s) : random_.between(0ms, 3ms);
        tell(delay, [this, container] {
            if (watch_ && !is_hung()) watch_->on_end(container);
        });
    }
}

void SimEngine::bring_output() {
    tell(0ms, [this] {
        if (is_hung() || !is_there_) return;
        std::vector<Follower> ended;
        for (std::size_t i = 0; i < followers_.size();) {
            Follower& follower = followers_[i];
            auto container = find(follower.container);
            bool wants_more = true;
            while (container && wants_more && container->printed.size() > follower.sent) {
                const Printed& line = container->printed[follower.sent++];
                wants_more = follower.sink(frame_of(line, line.bytes));
            }
            bool is_over = !wants_more || !container || container->phase != Phase::running;
            if (!is_over) {
                ++i;
                continue;
            }
            ended.push_back(std::move(follower));
            followers_.erase(followers_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        for (Follower& follower : ended)
            follower.reply(Done{});
    });
}

void SimEngine::forget(const std::shared_ptr<Container>& container) {
    container->is_removed = true;
    by_id_.erase(container->id);
    bring_output();
}

std::vector<std::shared_ptr<Container>> SimEngine::ever(const std::string& name) const {
    std::vector<std::shared_ptr<Container>> found;
    auto [begin, end] = all_by_name_.equal_range(name);
    for (auto entry = begin; entry != end; ++entry)
        found.push_back(entry->second);
    return found;
}

}  // namespace scheduler::sim
