/// What the model answers to who reads events and asks `why`.

#include <algorithm>

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "tests/simulation/model.hpp"

namespace scheduler::sim {
namespace {

/// What was started this long after it was due is said to be late.
constexpr Duration late = std::chrono::seconds(1);

std::string in_words(Duration length) {
    return length < std::chrono::seconds(1) ? fmt::format("{} ms", length.count())
                                            : short_duration(length);
}

std::string outcome_words(const Job& ended) {
    std::string code = ended.exit_code ? fmt::format(" with exit code {}", *ended.exit_code) : "";
    std::string error = ended.error ? ": " + *ended.error : "";
    switch (*ended.finish_status) {
        case FinishStatus::success:
            return "it ended well" + code + error;
        case FinishStatus::failed:
            return "it failed" + code + error;
        case FinishStatus::killed:
            return "it was killed" + code + error;
        case FinishStatus::timed_out:
            return "it timed out" + code + error;
        case FinishStatus::lost:
            return "it is lost" + error;
        case FinishStatus::did_not_run:
            break;
    }
    return "it did not run" + error;
}

std::string lateness_words(const ModelJob& job, const std::optional<Instant>& started_at) {
    TimePoint due = due_from(job.due_at, job.created_at);
    if (!started_at || started_at->at - due < late) return "";
    return fmt::format("; it started {} after it was {}",
                       in_words(started_at->at - due),
                       due == job.due_at ? "due" : "submitted");
}

/// The first words of what is said; what follows are reasons. Nothing follows without lateness.
void check_words(const ModelJob& job,
                 const std::string& said,
                 const std::string& expected,
                 const std::string& lateness,
                 const std::string& end) {
    std::string first = expected + lateness;
    bool is_so =
        said.starts_with(first) && said.ends_with(end) && first.size() + end.size() <= said.size();
    std::string reasons =
        is_so ? said.substr(first.size(), said.size() - first.size() - end.size()) : "";
    if (!is_so || (!reasons.empty() && (lateness.empty() || !reasons.starts_with(": "))))
        violate(
            fmt::format("why of job {} says \"{}\", not \"{}{}\"", job.number, said, first, end));
}

/// An expectation that ends in an asterisk is a beginning.
void check_start(const ModelJob& job,
                 const std::string& said,
                 std::string expected,
                 const std::string& end) {
    if (!expected.ends_with('*')) return check_words(job, said, expected, "", end);
    expected.pop_back();
    if (!said.starts_with(expected) || !said.ends_with(end))
        violate(fmt::format(
            "why of job {} says \"{}\", not \"{}…{}\"", job.number, said, expected, end));
}

std::string expiry_words(const ModelJob& job) {
    auto at = job.expires_at();
    if (!at) return "";
    return fmt::format(
        "; it expires {} {}, if it is not started before", to_local_date(*at), zone_name(*at));
}

std::string retry_words(const ModelJob& job) {
    if (job.tries.empty()) return "";
    const Attempt& last = job.tries.back();
    std::string how = last.finish_status == FinishStatus::timed_out ? "timed out"
                      : last.finish_status == FinishStatus::lost    ? "is lost"
                                                                    : "failed";
    return fmt::format("; attempt {} of {} {}{}{}",
                       last.attempt,
                       job.request.spec.retries->max + 1,
                       how,
                       last.exit_code ? fmt::format(" with exit code {}", *last.exit_code) : "",
                       last.error ? ": " + *last.error : "");
}

}  // namespace

void Model::hear(const Move& move) {
    if (move.seq <= newest_event_)
        violate(fmt::format("event {} was committed after event {}", move.seq, newest_event_));
    newest_event_ = move.seq;
    events_.push_back(move);
}

const Move* Model::event_after(std::int64_t seq, std::optional<JobId> job) const {
    auto next = std::upper_bound(
        events_.begin(), events_.end(), seq, [](std::int64_t place, const Move& move) {
            return place < move.seq;
        });
    next = std::find_if(
        next, events_.end(), [&](const Move& move) { return !job || move.job == *job; });
    return next == events_.end() ? nullptr : &*next;
}

void Model::check_event(const Move& move, const JobEvent& event) const {
    if (event.seq != move.seq)
        violate(fmt::format("event {} is read where event {} belongs", event.seq, move.seq));
    const ModelJob& job = jobs_.at(move.job);
    std::optional<FinishStatus> finish;
    if (has_ended(move.to)) finish = job.ended->finish_status;
    if (event.job_id != move.job || event.number != job.number || event.from != move.from ||
        event.to != move.to || event.job_name != job.request.job_name ||
        event.finish_status != finish || event.reset)
        violate(fmt::format("event {} is not the transition of job {} to {}",
                            event.seq,
                            job.number,
                            to_string(move.to)));
}

void Model::check_events(std::int64_t seq,
                         std::optional<JobId> job,
                         const std::vector<JobEvent>& events) const {
    auto event = events.begin();
    // What is older than what is kept, or was never there, is told by one event.
    if (seq < purged_event_ || seq > newest_event_) {
        if (event == events.end() || !event->reset || event->seq != newest_event_)
            violate(fmt::format("events after {} can't all be told, and nobody says so", seq));
        seq = event++->seq;
    }
    for (const Move* move; (move = event_after(seq, job)) != nullptr; seq = event++->seq) {
        if (event == events.end()) violate(fmt::format("event {} is not read", move->seq));
        check_event(*move, *event);
    }
    if (event != events.end())
        violate(fmt::format("event {} is read, and there is none", event->seq));
}

void Model::check_heard() const {
    std::map<JobId, std::vector<JobStatus>> heard;
    for (const Move& move : events_)
        heard[move.job].push_back(move.to);
    for (const auto& [id, job] : jobs_)
        if (heard[id] != job.moves)
            violate(fmt::format("the events of job {} are not its transitions", job.number));
}

void Model::check_why(const ModelJob& job,
                      const Job& row,
                      const std::string& said,
                      TimePoint now,
                      const Surroundings& around) const {
    std::string who = fmt::format("job {} ({}) ", job.number, job.request.job_name);
    if (job.status == JobStatus::scheduled) {
        std::string end = expiry_words(job) + retry_words(job);
        return check_start(job, said, who + why_scheduled(job, now, around), end);
    }
    if (job.ended)
        return check_words(job,
                           said,
                           who + "is in history: " + outcome_words(*job.ended),
                           lateness_words(job, job.ended->started_at),
                           "");
    std::string end = around.engine_trouble.empty()
                          ? ""
                          : "; how it goes on is not known: " + around.engine_trouble;
    if (!row.started_at) return check_words(job, said, who + "is being started", "", end);
    check_words(job,
                said,
                who + "is running since " + to_local_date(row.started_at->at),
                lateness_words(job, row.started_at),
                end);
}

std::string Model::why_scheduled(const ModelJob& job,
                                 TimePoint now,
                                 const Surroundings& around) const {
    std::string due = to_local_date(job.due_at);
    if (job.is_held)
        return fmt::format("is held by uid:1000: `release` lets it go; it is due {} {}",
                           due,
                           zone_name(job.due_at));
    if (now < job.due_at)
        return fmt::format("is not due: it waits for {} {} (in {})",
                           due,
                           zone_name(job.due_at),
                           in_words(job.due_at - now));
    std::string why;
    if (around.is_paused)
        why = "paused; `resume` goes on";
    else if (!around.write_trouble.empty())
        why = around.write_trouble;
    else if (!around.engine_trouble.empty())
        why = around.engine_trouble;
    else if (count(JobStatus::running) >= around.max_running)
        why = fmt::format("all {} slots are taken (--max-running)", around.max_running);
    else if (around.starts_taken > 0)
        why = fmt::format(
            "as many containers as may be started at once ({}) are being started "
            "(--max-starting)",
            around.starts_taken);
    // Of those that came due since the last claim the store knows no rank, and no group.
    bool is_exact = std::all_of(jobs_.begin(), jobs_.end(), [](const auto& other) {
        const ModelJob& its = other.second;
        return (its.priority == 0 && !its.group) || its.status != JobStatus::scheduled;
    });
    if (!is_exact) return fmt::format("is due since {}, and waits: {}*", due, why);
    auto before = std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& other) {
        return other.second.status == JobStatus::scheduled && !other.second.is_held &&
               other.second.place() < job.place();
    });
    std::string turn = before == 0   ? ""
                       : before == 1 ? "1 job is before it"
                                     : fmt::format("{} jobs are before it", before);
    if (why.empty() && turn.empty()) why = "it is next when a container can be started";
    return fmt::format("is due since {}, and waits: {}{}{}",
                       due,
                       why,
                       why.empty() || turn.empty() ? "" : "; ",
                       turn);
}

}  // namespace scheduler::sim
