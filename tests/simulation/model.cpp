#include "tests/simulation/model.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

namespace scheduler::sim {
namespace {

std::string words(const ModelJob& job) {
    return fmt::format("job {} ({})", job.number, to_string(job.status));
}

}  // namespace

void violate(std::string what) {
    throw Violation{std::move(what)};
}

ModelJob& Model::add(const Job& row, const AddRequest& request) {
    auto length = parse_duration(request.time.value_or("0s"));
    if (row.job_name != request.job_name || !length || row.due_at.at - row.created_at.at != *length)
        violate(fmt::format("job {} is not what was asked for", row.number));
    if (row.status != JobStatus::scheduled)
        violate(fmt::format("job {} begins as {}", row.number, to_string(row.status)));
    ModelJob& job = jobs_[row.id];
    job.id = row.id;
    job.number = row.number;
    job.request = request;
    job.created_at = row.created_at.at;
    job.due_at = row.due_at.at;
    job.priority = request.spec.priority.value_or(0);
    job.expires = request.spec.expires;
    job.group = request.spec.group;
    return job;
}

ModelJob* Model::find(JobId id) {
    auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : &found->second;
}

const ModelJob* Model::find_ever(JobId id) const {
    for (const auto* jobs : {&jobs_, &purged_})
        if (auto found = jobs->find(id); found != jobs->end()) return &found->second;
    return nullptr;
}

const ModelJob* Model::find_by_key(const std::optional<std::string>& key) const {
    for (const auto& [id, job] : jobs_)
        if (key && job.request.key == key) return &job;
    return nullptr;
}

void Model::purge(JobId id) {
    purged_.insert(jobs_.extract(id));
    std::erase_if(events_, [&](const Move& move) {
        if (move.job != id) return false;
        purged_event_ = std::max(purged_event_, move.seq);
        return true;
    });
}

std::int64_t Model::count_later_ends(const ModelJob& job) const {
    auto end_of = [](const ModelJob& ended) {
        return std::pair(ended.ended->finished_at->at, ended.number);
    };
    std::int64_t later = 0;
    for (const auto* jobs : {&jobs_, &purged_})
        for (const auto& [id, other] : *jobs)
            if (other.ended && end_of(other) > end_of(job)) ++later;
    return later;
}

void Model::move(ModelJob& job, JobStatus to, const Job& row, SteadyPoint at) {
    if (!may_move(job.status, to)) violate(fmt::format("{} became {}", words(job), to_string(to)));
    job.status = to;
    job.moved_at = at;
    if (to == JobStatus::running) {
        job.claimed_at = at;
        job.was_clock_set_unseen = false;
    }
    if (to == JobStatus::scheduled) {
        job.due_at = row.due_at.at;
        job.expires.reset();
    }
    job.is_held = false;
    job.moves.push_back(to);
    if (has_ended(to)) job.ended = row;
}

std::int64_t Model::count_running(const std::string& group) const {
    return std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
        return entry.second.status == JobStatus::running && entry.second.group == group;
    });
}

std::int64_t Model::places_of(const std::string& group, TimePoint now) const {
    auto set = groups_.find(group);
    if (set == groups_.end()) return std::numeric_limits<std::int64_t>::max();
    if (set->second.is_paused(now)) return 0;
    return set->second.max_running.value_or(std::numeric_limits<std::int64_t>::max());
}

void Model::check_order(const std::vector<JobId>& claimed,
                        TimePoint earliest,
                        TimePoint latest) const {
    std::set<JobId> taken(claimed.begin(), claimed.end());
    // What runs of its group, and what was claimed rightly before it.
    auto may_lack_room = [&](const ModelJob& job) {
        if (!job.group) return false;
        auto before = std::count_if(claimed.begin(), claimed.end(), [&](JobId id) {
            const ModelJob& other = jobs_.at(id);
            return other.group == job.group && other.rank() < job.rank();
        });
        return count_running(*job.group) + before >= places_of(*job.group, earliest);
    };
    const ModelJob* last = nullptr;
    TimePoint now = TimePoint::min();  // what was due by then was due for this claim
    for (JobId id : claimed) {
        const ModelJob& job = jobs_.at(id);
        now = std::max(now, job.due_at);
        if (last != nullptr && job.rank() < last->rank())
            violate(fmt::format("job {} was claimed before job {}, which has the better rank",
                                last->number,
                                job.number));
        last = &job;
    }
    for (const auto& [id, job] : jobs_)
        if (last != nullptr && job.status == JobStatus::scheduled && !job.is_held &&
            job.due_at <= now && job.expires_at().value_or(TimePoint::max()) > latest &&
            taken.count(id) == 0 && job.rank() < last->rank() && !may_lack_room(job))
            violate(fmt::format("job {} was left, though its rank is better than that of job {}",
                                job.number,
                                last->number));
}

void Model::check_row(const ModelJob& job, const Job& row) const {
    bool is_same = row.status == job.status && row.number == job.number &&
                   row.job_name == job.request.job_name && row.due_at.at == job.due_at &&
                   row.created_at.at == job.created_at && row.held_by.has_value() == job.is_held;
    if (!is_same)
        violate(fmt::format("{}, due {}, reads {}, due {}",
                            words(job),
                            to_rfc3339(job.due_at),
                            to_string(row.status),
                            to_rfc3339(row.due_at.at)));
    if (!job.ended) return;
    if (row.finish_status != job.ended->finish_status || row.exit_code != job.ended->exit_code ||
        row.error != job.ended->error || row.finished_at != job.ended->finished_at)
        violate(fmt::format("{} changed after its end", words(job)));
}

bool Model::selects(const ListRequest& request, const ModelJob& job) const {
    auto has = [](const auto& wanted, auto value) {
        return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
    };
    if (!request.status.empty() && !has(request.status, job.status)) return false;
    if (!request.finish_status.empty() &&
        (!job.ended || !has(request.finish_status, *job.ended->finish_status)))
        return false;
    if (request.job_name && job.request.job_name != *request.job_name) return false;
    TimePoint at = job.ended ? job.ended->finished_at->at : job.due_at;
    return (!request.since || *parse_rfc3339(*request.since) <= at) &&
           (!request.until || at < *parse_rfc3339(*request.until));
}

/// Running jobs by number: their own order is that of their claims, which clients don't see.
std::vector<const ModelJob*> Model::list(const ListRequest& request) const {
    std::vector<const ModelJob*> listed;
    for (const auto& [id, job] : jobs_)
        if (selects(request, job)) listed.push_back(&job);
    auto section = [](JobStatus status) {
        return status == JobStatus::running ? 0 : status == JobStatus::scheduled ? 1 : 2;
    };
    std::sort(listed.begin(), listed.end(), [&](const ModelJob* a, const ModelJob* b) {
        int left = section(a->status), right = section(b->status);
        if (left != right) return left < right;
        if (left == 2)
            return std::pair(a->ended->finished_at->at, a->number) >
                   std::pair(b->ended->finished_at->at, b->number);
        return left == 1 ? a->place() < b->place() : a->number < b->number;
    });
    if (!request.after) return listed;
    auto place = std::find_if(listed.begin(), listed.end(), [&](const ModelJob* job) {
        return job->id == request.after->job;
    });
    return {place == listed.end() ? place : place + 1, listed.end()};
}

void Model::check_list(const std::vector<Job>& listed, const ListRequest& request) const {
    auto expected = list(request);
    if (listed.size() != expected.size())
        violate(fmt::format("a list holds {} jobs, not {}", listed.size(), expected.size()));
    std::set<JobId> running;
    for (std::size_t i = 0; i < listed.size(); ++i) {
        auto job = jobs_.find(listed[i].id);
        if (job == jobs_.end()) violate(fmt::format("a list holds a job that nobody added"));
        check_row(job->second, listed[i]);
        if (job->second.status == JobStatus::running && expected[i]->status == JobStatus::running)
            running.insert(listed[i].id);
        else if (listed[i].id != expected[i]->id)
            violate(fmt::format(
                "a list has job {} where job {} belongs", listed[i].number, expected[i]->number));
    }
    for (const ModelJob* job : expected)
        if (job->status == JobStatus::running && running.count(job->id) == 0)
            violate("a list holds a running job twice, or not at all");
}

void Model::check_counts(const std::map<std::string, std::int64_t>& counts) const {
    std::map<std::string, std::int64_t> expected;
    for (const auto& [id, job] : jobs_)
        ++expected[std::string(has_ended(job.status) ? to_string(*job.ended->finish_status)
                                                     : to_string(job.status))];
    auto count_in = [](const auto& map, const std::string& key) {
        auto found = map.find(key);
        return found == map.end() ? 0 : found->second;
    };
    for (const char* state : {"scheduled",
                              "running",
                              "success",
                              "failed",
                              "did_not_run",
                              "killed",
                              "timed_out",
                              "lost"})
        if (count_in(counts, state) != count_in(expected, state))
            violate(fmt::format("{} jobs are counted as {}, not {}",
                                count_in(counts, state),
                                state,
                                count_in(expected, state)));
}

std::size_t Model::count(JobStatus status) const {
    return static_cast<std::size_t>(std::count_if(
        jobs_.begin(), jobs_.end(), [&](const auto& job) { return job.second.status == status; }));
}

}  // namespace scheduler::sim
