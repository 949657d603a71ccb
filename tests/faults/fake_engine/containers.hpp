#pragma once
/// The containers of the fake engine: what was created, when it runs and how it ends, what it
/// printed, and the events of all that. A container runs for as long as its command says and keeps
/// nothing busy meanwhile, so thousands fit into a minute. As in Docker, a start of a container
/// that exited runs it again. Each start appends a line to the record, which nobody else writes.
/// Any thread: one mutex guards it all.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace scheduler::fake_engine {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using Labels = std::map<std::string, std::string>;

struct LogLine {
    WallTime at;
    std::string text;
};

struct Container {
    enum class Phase { created, running, exited };
    std::string id;
    std::string name;
    Labels labels;
    std::string host_config;  ///< JSON as it was sent: all that was asked for is in force
    std::chrono::milliseconds runs_for{};
    int exits_with = 0;  ///< when nobody stops it

    Phase phase = Phase::created;
    int exit_code = 0;
    std::optional<WallTime> started_at, finished_at;
    int starts = 0;
    std::vector<LogLine> log;
};

struct Event {
    std::uint64_t number = 0;  ///< from 1
    WallTime at;
    std::string action;
    std::string container;
    Labels attributes;
};

class Containers {
  public:
    /// How many events can be asked for afterwards, as in Docker.
    static constexpr std::size_t events_kept = 256;

    explicit Containers(UniqueFd record);
    ~Containers();
    Containers(const Containers&) = delete;
    Containers& operator=(const Containers&) = delete;

    enum class Done { yes, was_so_already, not_found, refused };

    /// Nothing when the name is taken. `command`: run, milliseconds, exit code.
    std::optional<std::string> create(const std::string& name,
                                      const Labels& labels,
                                      std::string host_config,
                                      const std::vector<std::string>& command);
    Done start(const std::string& id_or_name);
    /// Ends it at once, with this code.
    Done stop(const std::string& id_or_name, int exit_code, const std::string& signal);
    /// `refused` while it runs.
    Done remove(const std::string& id_or_name, bool force);
    std::optional<Container> find(const std::string& id_or_name);
    std::vector<Container> all();

    /// The events after this number, as soon as there are some or `until` has come.
    std::vector<Event> events_after(std::uint64_t number,
                                    std::chrono::steady_clock::time_point until);
    /// The number of the newest event; of the newest one that is no longer kept.
    std::uint64_t newest_event();
    std::uint64_t forgotten_events();

  private:
    struct End {
        std::string container;
        int start;  ///< the one that it ends
    };
    Container* look_up(const std::string& id_or_name);
    void tell(const Container& container, const std::string& action, const Labels& more = {});
    void end(Container& container, int exit_code);
    void end_in_time();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable next_end_changed_;
    std::map<std::string, Container> by_id_;
    std::map<std::string, std::string> ids_;  ///< by name
    std::deque<Event> events_;
    std::uint64_t last_event_ = 0;
    std::uint64_t last_id_ = 0;
    std::multimap<std::chrono::steady_clock::time_point, End> ends_;
    bool is_over_ = false;
    UniqueFd record_;
    std::thread clockwork_;
};

}  // namespace scheduler::fake_engine
