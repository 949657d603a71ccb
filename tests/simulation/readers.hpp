#pragma once
/// Reads that last: clients that follow a job's output or the events, and walks through a list page
/// by page while jobs move. Each remembers what it was told. They survive the daemon: what broke
/// off is read on from the place where it was.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/service/service.hpp"
#include "tests/simulation/sim_engine.hpp"

namespace scheduler::sim {

struct LogReader {
    JobId job;
    bool follow = false;
    std::unique_ptr<Stream<LogChunk>> stream;
    std::string told;
    std::optional<std::string> place;  ///< of the last item
    bool has_resumed = false;          ///< its next item is the first one after a break
    std::size_t printed_by_then = 0;   ///< bytes, when it asked
    bool is_owed = false;              ///< and will be told: nothing is in the way
    int breaks = 0;                    ///< of the engine, by then
};

struct EventReader {
    std::optional<JobId> job;  ///< nothing: all of them
    std::int64_t last = 0;
    std::unique_ptr<Stream<JobEvent>> stream;
};

struct ListWalk {
    ListRequest request;
    std::unique_ptr<Stream<Service::ListPart>> stream;  ///< none: by pages
    /// What was selected when it began: where each job stood then, by how many moves.
    struct Stand {
        std::size_t moves = 0;
        TimePoint due_at{};
        std::size_t tries = 0;
        bool operator==(const Stand&) const = default;
    };
    std::map<JobId, Stand> began;
    std::map<JobId, int> seen;
    bool has_runs = false;  ///< due times were changed meanwhile, unknown when
};

/// Output as a reader sees it: adjacent pieces of one stream are one.
using Pieces = std::vector<std::pair<LogStream, std::string>>;
void append(Pieces& pieces, LogStream stream, const std::string& bytes);
/// What `logs` must give of what was printed. `known`: bytes that lie before the request's place.
Pieces select_output(const std::vector<Printed>& printed,
                     const LogsRequest& request,
                     std::size_t known);

/// What a stream gives at once, without waiting.
template <class Item>
struct Drained {
    std::vector<Item> items;
    bool is_end = false;
    std::optional<Error> error;
};

template <class Item>
Drained<Item> drain(Stream<Item>& stream) {
    Drained<Item> drained;
    for (;;) {
        auto said = std::make_shared<std::optional<Result<std::optional<Item>>>>();
        stream.next([said](Result<std::optional<Item>> item) { *said = std::move(item); });
        if (!*said) return drained;
        if (!**said) {
            drained.error = (*said)->error();
            return drained;
        }
        drained.is_end = !(**said)->has_value();
        if (drained.is_end) return drained;
        drained.items.push_back(std::move(****said));
    }
}

}  // namespace scheduler::sim
