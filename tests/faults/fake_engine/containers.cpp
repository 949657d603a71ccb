#include "tests/faults/fake_engine/containers.hpp"

#include <cstdlib>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

namespace scheduler::fake_engine {
namespace {

using std::chrono::steady_clock;

constexpr const char* first_line = "started\n";
constexpr const char* last_line = "ended\n";
/// A reader who is further behind than this misses events, as one of Docker's does.
constexpr std::size_t events_at_most = 100'000;

WallTime wall_now() {
    return std::chrono::system_clock::now();
}

int number_in(const std::vector<std::string>& words, std::size_t place) {
    return place < words.size() ? std::atoi(words[place].c_str()) : 0;
}

}  // namespace

Containers::Containers(UniqueFd record)
    : record_(std::move(record)), clockwork_([this] { end_in_time(); }) {}

Containers::~Containers() {
    {
        std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    next_end_changed_.notify_all();
    clockwork_.join();
}

Container* Containers::look_up(const std::string& id_or_name) {
    auto id = ids_.find(id_or_name);
    auto found = by_id_.find(id == ids_.end() ? id_or_name : id->second);
    return found == by_id_.end() ? nullptr : &found->second;
}

void Containers::tell(const Container& container, const std::string& action, const Labels& more) {
    Event event{++last_event_, wall_now(), action, container.id, container.labels};
    event.attributes["name"] = container.name;
    for (const auto& [name, value] : more)
        event.attributes[name] = value;
    events_.push_back(std::move(event));
    if (events_.size() > events_at_most) events_.pop_front();
    changed_.notify_all();
}

std::optional<std::string> Containers::create(const std::string& name,
                                              const Labels& labels,
                                              std::string host_config,
                                              const std::vector<std::string>& command) {
    std::lock_guard lock(mutex_);
    if (ids_.count(name) > 0) return std::nullopt;
    Container made;
    made.id = fmt::format("{:064x}", ++last_id_);
    made.name = name;
    made.labels = labels;
    made.host_config = std::move(host_config);
    made.runs_for = std::chrono::milliseconds(number_in(command, 1));
    made.exits_with = number_in(command, 2);
    ids_[name] = made.id;
    tell(made, "create");
    return by_id_.emplace(made.id, made).first->first;
}

Containers::Done Containers::start(const std::string& id_or_name) {
    std::lock_guard lock(mutex_);
    Container* container = look_up(id_or_name);
    if (container == nullptr) return Done::not_found;
    if (container->phase == Container::Phase::running) return Done::was_so_already;
    std::string line = fmt::format("{}\n", container->name);
    if (::write(record_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        std::abort();  // without its record the engine proves nothing
    container->phase = Container::Phase::running;
    container->started_at = wall_now();
    container->finished_at.reset();
    container->exit_code = 0;
    ++container->starts;
    container->log.push_back({*container->started_at, first_line});
    ends_.emplace(steady_clock::now() + container->runs_for, End{container->id, container->starts});
    next_end_changed_.notify_all();
    tell(*container, "start");
    return Done::yes;
}

void Containers::end(Container& container, int exit_code) {
    container.phase = Container::Phase::exited;
    container.exit_code = exit_code;
    container.finished_at = wall_now();
    tell(container, "die", {{"exitCode", std::to_string(exit_code)}});
}

Containers::Done Containers::stop(const std::string& id_or_name,
                                  int exit_code,
                                  const std::string& signal) {
    std::lock_guard lock(mutex_);
    Container* container = look_up(id_or_name);
    if (container == nullptr) return Done::not_found;
    if (container->phase != Container::Phase::running) return Done::was_so_already;
    tell(*container, "kill", {{"signal", signal}});
    end(*container, exit_code);
    return Done::yes;
}

Containers::Done Containers::remove(const std::string& id_or_name, bool force) {
    std::lock_guard lock(mutex_);
    Container* container = look_up(id_or_name);
    if (container == nullptr) return Done::not_found;
    if (container->phase == Container::Phase::running) {
        if (!force) return Done::refused;
        end(*container, 137);
    }
    tell(*container, "destroy");
    ids_.erase(container->name);
    by_id_.erase(std::string(container->id));
    return Done::yes;
}

std::optional<Container> Containers::find(const std::string& id_or_name) {
    std::lock_guard lock(mutex_);
    const Container* container = look_up(id_or_name);
    return container == nullptr ? std::nullopt : std::optional(*container);
}

std::vector<Container> Containers::all() {
    std::lock_guard lock(mutex_);
    std::vector<Container> result;
    for (const auto& [id, container] : by_id_)
        result.push_back(container);
    return result;
}

std::vector<Event> Containers::events_after(std::uint64_t number, steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return last_event_ > number; });
    std::vector<Event> result;
    std::uint64_t first = last_event_ - events_.size() + 1;
    for (std::uint64_t wanted = std::max(number + 1, first); wanted <= last_event_; ++wanted)
        result.push_back(events_[static_cast<std::size_t>(wanted - first)]);
    return result;
}

std::uint64_t Containers::newest_event() {
    std::lock_guard lock(mutex_);
    return last_event_;
}

std::uint64_t Containers::forgotten_events() {
    std::lock_guard lock(mutex_);
    return last_event_ > events_kept ? last_event_ - events_kept : 0;
}

/// The thread that lets containers end.
void Containers::end_in_time() {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
        if (ends_.empty()) {
            next_end_changed_.wait(lock);
            continue;
        }
        auto next = ends_.begin();
        if (next->first > steady_clock::now()) {
            next_end_changed_.wait_until(lock, steady_clock::time_point(next->first));
            continue;
        }
        End due = next->second;
        ends_.erase(next);
        auto found = by_id_.find(due.container);
        if (found == by_id_.end()) continue;
        Container& container = found->second;
        // One that was stopped, or started again since, is not meant.
        if (container.phase != Container::Phase::running || container.starts != due.start) continue;
        container.log.push_back({wall_now(), last_line});
        end(container, container.exits_with);
    }
}

}  // namespace scheduler::fake_engine
