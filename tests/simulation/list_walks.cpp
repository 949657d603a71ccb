/// Walks through lists while jobs move: page by page, and as one long answer.

#include <fmt/format.h>

#include "tests/simulation/world.hpp"

namespace scheduler::sim {
namespace {

constexpr std::size_t walks_max = 4;
/// Between two pages, so that some walks outlast a crash.
constexpr Duration pause_longest = 3s;

ListWalk::Stand stand_of(const ModelJob& job) {
    return {job.moves.size(), job.due_at, job.tries.size()};
}

}  // namespace

void World::begin_walk() {
    if (!process_ || walks_.size() >= walks_max) return;
    for (const Asked& asked : asked_)
        if (is_unheard(asked.action)) return;
    learn_of_purges();
    auto walk = std::make_shared<ListWalk>();
    if (reads_.chance(40)) walk->request = make_selection();
    walk->request.limit = static_cast<std::int64_t>(1 + reads_.below(8));
    for (const ModelJob* job : model_.list(walk->request))
        walk->began[job->id] = stand_of(*job);
    if (reads_.chance(30)) {
        auto stream = process_->service->list_stream(walk->request);
        if (!stream) violate("jobs can't be listed: " + stream.error().message);
        walk->stream = std::move(*stream);
    }
    walks_.push_back(walk);
    take_page(walk);
}

void World::take_page(const std::shared_ptr<ListWalk>& walk) {
    for (const Asked& asked : asked_)
        walk->has_runs = walk->has_runs || is_unheard(asked.action);
    std::vector<Job> page;
    bool is_last = false;
    if (walk->stream) {
        walk->stream->next([&](Result<std::optional<Service::ListPart>> part) {
            if (!part) violate("a list breaks off: " + part.error().message);
            if (*part) page = std::move((*part)->jobs);
            is_last = !*part;
        });
    } else {
        auto answer = process_->service->handle(walk->request, caller);
        if (!answer) violate("a page can't be read: " + answer.error().message);
        page = std::move(answer->jobs);
        walk->request.after = answer->next;
        is_last = !answer->next;
    }
    for (const Job& row : page) {
        ++walk->seen[row.id];
        const ModelJob* job = model_.find(row.id);
        if (job == nullptr) violate("a page holds a job that nobody added, or that was purged");
        if (walk->has_runs) continue;
        model_.check_row(*job, row);
        if (!model_.selects(walk->request, *job))
            violate(fmt::format("a page holds job {}, which was not asked for", job->number));
    }
    if (is_last) return end_walk(walk);
    time_.after(reads_.between(0ms, reads_.chance(40) ? 50ms : pause_longest),
                [this, weak = std::weak_ptr(walk)] { go_on_walking(weak); });
}

void World::go_on_walking(const std::weak_ptr<ListWalk>& weak) {
    auto walk = weak.lock();
    if (!walk) return;
    if (!process_ || disk_.has_crashed)
        return time_.after(1s, [this, weak] { go_on_walking(weak); });
    take_page(walk);
}

/// What stayed where it was is there exactly once, whatever the others did. What merely moved on is
/// not missed: in one long answer never, in pages unless it went back to those that run.
void World::end_walk(const std::shared_ptr<ListWalk>& walk) {
    std::erase(walks_, walk);
    learn_of_purges();
    say(fmt::format(
        "a walk over {} jobs ends, {} were there at first", walk->seen.size(), walk->began.size()));
    const ListRequest& request = walk->request;
    bool is_of_all =
        request.status.empty() && request.finish_status.empty() && !request.since && !request.until;
    for (const auto& [id, stand] : walk->began) {
        const ModelJob* job = model_.find(id);
        if (job == nullptr || walk->has_runs || job->has_changed_place) continue;
        int times = walk->seen[id];
        // One that is tried again meanwhile goes back to those that are scheduled.
        if (job->tries.size() != stand.tries) continue;
        bool has_stayed = stand_of(*job) == stand;
        bool went_back =
            !walk->stream && stand.moves % 2 == 1 && job->status != JobStatus::canceled;
        if (has_stayed ? times != 1 : is_of_all && !went_back && times == 0)
            violate(
                fmt::format("job {} is in a list {} times, {}",
                            job->number,
                            times,
                            has_stayed ? "and it stayed where it was" : "and it merely moved on"));
    }
}

}  // namespace scheduler::sim
