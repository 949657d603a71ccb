#include "daemon/service/audit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

class Findings {
  public:
    explicit Findings(const Job& job) : job_(job) {}
    void add(FindingKind kind, const std::string& what) {
        found.push_back(finding_of(kind, job_, what));
    }
    void disagree(const std::string& what) { add(FindingKind::inconsistent, what); }
    std::vector<Finding> found;

  private:
    const Job& job_;
};

bool has_whole_history(const JobRecord& record) {
    return !record.transitions.empty() && !record.transitions.front().from;
}

void check_end(const Job& job, Findings& findings) {
    if (!has_ended(job.status)) {
        if (job.finished_at || job.finish_status)
            findings.disagree(
                fmt::format("is {} and has an outcome all the same", to_string(job.status)));
        return;
    }
    if (!job.finished_at || !job.finish_status)
        return findings.disagree(
            fmt::format("is {} and has no outcome or no end", to_string(job.status)));
    if (status_of(*job.finish_status) != job.status)
        findings.disagree(fmt::format(
            "is {}, but ended as {}", to_string(job.status), to_string(*job.finish_status)));
    if (job.finish_status == FinishStatus::success && (job.exit_code != 0 || !job.started_at))
        findings.disagree("is called success, but no start or no exit code 0 is recorded");
}

void check_claim(const JobRecord& record, Findings& findings) {
    const Job& job = record.job;
    bool was_claimed = job.status == JobStatus::running || job.status == JobStatus::finished;
    if (was_claimed && (!record.claimed_at || !job.attempt || !record.engine_id))
        findings.disagree(
            fmt::format("is {}, but no claim of it is recorded", to_string(job.status)));
    if (job.status == JobStatus::scheduled && job.container_id && !job.attempt)
        findings.add(FindingKind::early, "has a container, but was not claimed yet");
}

/// Each event begins where the one before it ended, and the last one where the row is.
void check_transitions(const JobRecord& record, Findings& findings) {
    const auto& moves = record.transitions;
    if (moves.empty()) return findings.disagree("has no event");
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const Transition& move = moves[i];
        if (move.from && !may_move(*move.from, move.to))
            findings.disagree(fmt::format("has an event from {} to {}, which is no such move",
                                          to_string(*move.from),
                                          to_string(move.to)));
        if (i > 0 && move.from != moves[i - 1].to)
            findings.disagree(fmt::format(
                "has events with a gap: one ends at {}, and the next begins at {}",
                to_string(moves[i - 1].to),
                move.from ? to_string(*move.from) : std::string_view("its submission")));
    }
    if (moves.back().to != record.job.status)
        findings.disagree(fmt::format("is {}, but its last event says {}",
                                      to_string(record.job.status),
                                      to_string(moves.back().to)));
    if (!has_whole_history(record)) return;
    auto claims = std::count_if(moves.begin(), moves.end(), [](const Transition& move) {
        return move.to == JobStatus::running;
    });
    auto attempts = record.job.attempt.value_or(0);
    if (claims > attempts)
        findings.add(FindingKind::doubled,
                     fmt::format("was claimed {} times for {} attempts", claims, attempts));
    if (claims < attempts)
        findings.disagree(
            fmt::format("has {} attempts, but events of {} claims", attempts, claims));
}

/// One row each finished try: all but the current one.
void check_attempts(const JobRecord& record, Findings& findings) {
    auto finished = record.job.attempt.value_or(0);
    if (record.job.status == JobStatus::running) --finished;
    auto rows = static_cast<std::int64_t>(record.attempts.size());
    if (rows > finished)
        findings.add(FindingKind::doubled,
                     fmt::format("has outcomes of {} attempts, and finished {}", rows, finished));
    if (rows < finished)
        findings.disagree(
            fmt::format("finished {} attempts, and has outcomes of {}", finished, rows));
}

}  // namespace

std::string job_words(const Job& job) {
    return fmt::format("job {} ({})", job.number, job.job_name);
}

Finding finding_of(FindingKind kind, std::string message) {
    Finding finding;
    finding.kind = to_string(kind);
    finding.message = std::move(message);
    return finding;
}

Finding finding_of(FindingKind kind, const Job& job, const std::string& what) {
    Finding finding = finding_of(kind, fmt::format("{} {}", job_words(job), what));
    finding.job_id = job.id;
    finding.number = job.number;
    return finding;
}

std::vector<Finding> audit(const JobRecord& record) {
    Findings findings(record.job);
    if (!record.damage.empty()) {
        findings.disagree("can't be read: " + record.damage);
        return std::move(findings.found);
    }
    check_end(record.job, findings);
    check_claim(record, findings);
    check_transitions(record, findings);
    check_attempts(record, findings);
    return std::move(findings.found);
}

Punctuality punctuality(const JobRecord& record, TimePoint now, Duration late) {
    const Job& job = record.job;
    if (!record.damage.empty() || job.status == JobStatus::canceled || job.held_by)
        return Punctuality::punctual;
    if (job.status == JobStatus::scheduled)
        return now - due_from(job) > late ? Punctuality::overdue : Punctuality::punctual;
    if (!record.claimed_at) return Punctuality::punctual;
    if (*record.claimed_at < job.due_at.at) return Punctuality::early;
    const Transition* claim = last_claim(record);
    if (claim == nullptr || *record.claimed_at - due_from(job) <= late)
        return Punctuality::punctual;
    return claim->reason ? Punctuality::late_for_a_reason : Punctuality::late;
}

Finding unpunctual(const JobRecord& record, Punctuality how, TimePoint now) {
    const Job& job = record.job;
    if (how == Punctuality::early)
        return finding_of(FindingKind::early,
                          job,
                          fmt::format("was claimed {} before it was due",
                                      in_words(job.due_at.at - *record.claimed_at)));
    if (how == Punctuality::overdue)
        return finding_of(FindingKind::late,
                          job,
                          fmt::format("is due since {}, nothing hinders it, and it is not started",
                                      in_words(now - due_from(job))));
    return finding_of(FindingKind::late,
                      job,
                      fmt::format("was claimed {} after it was due, and no reason is recorded",
                                  in_words(*record.claimed_at - due_from(job))));
}

std::optional<std::string> counted_at(const JobRecord& record, std::int64_t seq) {
    auto word = [&](JobStatus status) {
        bool by_finish = has_ended(status) && record.job.finish_status;
        return std::string(by_finish ? to_string(*record.job.finish_status) : to_string(status));
    };
    const auto& moves = record.transitions;
    auto later = std::find_if(
        moves.begin(), moves.end(), [&](const Transition& move) { return move.seq > seq; });
    if (later != moves.begin()) return word(std::prev(later)->to);
    if (later == moves.end()) return word(record.job.status);
    return later->from ? std::optional(word(*later->from)) : std::nullopt;
}

const Transition* last_claim(const JobRecord& record) {
    auto claim = std::find_if(record.transitions.rbegin(),
                              record.transitions.rend(),
                              [](const Transition& t) { return t.to == JobStatus::running; });
    return claim == record.transitions.rend() ? nullptr : &*claim;
}

std::vector<int> attempts_with_output(const JobRecord& record) {
    std::vector<int> attempts;
    for (const Attempt& attempt : record.attempts)
        if (attempt.started_at && attempt.exit_code)
            attempts.push_back(static_cast<int>(attempt.attempt));
    return attempts;
}

}  // namespace scheduler
