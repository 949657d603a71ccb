#include "daemon/service/verification.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "daemon/service/audit.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

/// The looks at a suspicion, each so long after the one before it. A container that is being
/// removed, or a claim that is on its way to the dispatcher, needs less.
constexpr std::array looks_after{200ms, 800ms, 3000ms};

std::string count_words(std::int64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

WaitToken Verification::start(Parts parts, Options options, Reply<VerifyResponse> reply) {
    auto made = std::shared_ptr<Verification>(
        new Verification(std::move(parts), options, std::move(reply)));
    made->survey_then(&Verification::begin);
    return made;
}

Verification::Verification(Parts parts, Options options, Reply<VerifyResponse> reply)
    : parts_(std::move(parts)),
      options_(options),
      reply_(std::move(reply)),
      cross_check_(parts_.store, parts_.spool),
      scan_(parts_.spool.directory()) {
    if (options_.since) sections_ = {JobStatus::scheduled, JobStatus::running, JobStatus::finished};
}

Verification::~Verification() {
    --*parts_.under_way;
}

// ---- steps ----

void Verification::next() {
    parts_.steps.post([weak = weak_from_this()] {
        if (auto self = weak.lock()) self->step();
    });
}

void Verification::survey_then(void (Verification::*then)()) {
    parts_.dispatcher.survey([weak = weak_from_this(), then](Survey survey) {
        auto self = weak.lock();
        if (!self) return;
        self->parts_.steps.post([weak, then, survey = std::move(survey)]() mutable {
            auto alive = weak.lock();
            if (!alive) return;
            alive->claims_before_ = alive->claims_now_;
            alive->claims_now_ = survey.claims;
            alive->survey_ = std::move(survey);
            ((*alive).*then)();
        });
    });
}

void Verification::begin() {
    note_engine_trouble();
    containers_ = survey_.containers;
    claims_before_ = survey_.claims;
    auto tally = parts_.store.tally();
    if (!tally) return give_up(tally.error());
    tally_ = std::move(*tally);
    auto restored = parts_.store.meta("restored_at");
    if (!restored) return give_up(restored.error());
    if (*restored)
        if (auto at = parse_rfc3339(**restored)) restored_at_ = *at;
    next();
}

/// Without the engine no suspicion about a container is confirmed, and none is dispelled.
void Verification::note_engine_trouble() {
    if (survey_.unreachable.empty() || std::exchange(is_engine_trouble_noted_, true)) return;
    not_checked("containers: the engine can't be asked: " + survey_.unreachable);
}

void Verification::step() {
    if (found() >= VerifyRequest::findings_max) {
        not_checked(fmt::format("whatever comes after the first {} findings", found()));
        suspects_.clear();
        phase_ = Phase::done;
    }
    if (suspects_.size() >= suspicions_max || (phase_ == Phase::done && !suspects_.empty()))
        return look_again();
    switch (phase_) {
        case Phase::jobs:
            return check_jobs();
        case Phase::containers:
            return check_containers();
        case Phase::files:
            return check_files();
        case Phase::done:
            return finish();
    }
}

void Verification::end_phase() {
    phase_ = static_cast<Phase>(static_cast<int>(phase_) + 1);
    next();
}

// ---- jobs ----

void Verification::check_jobs() {
    auto records = options_.since ? next_listed_jobs() : next_jobs();
    if (!records) return give_up(records.error());
    for (const JobRecord& record : *records)
        check_job(record);
    bool is_last = options_.since ? sections_.empty() : records->empty();
    if (!is_last) return next();
    if (!options_.since) check_counters();
    end_phase();
}

Result<std::vector<JobRecord>> Verification::next_jobs() {
    auto records = parts_.store.records_after(last_number_, jobs_a_step);
    if (records && !records->empty()) last_number_ = records->back().job.number;
    return records;
}

/// A job moves on to a section that is read later, unless it is tried again meanwhile.
Result<std::vector<JobRecord>> Verification::next_listed_jobs() {
    ListFilter filter;
    filter.status = {sections_.front()};
    if (sections_.front() == JobStatus::finished) {
        filter.status.push_back(JobStatus::canceled);
        filter.since = options_.since;
    }
    auto page = parts_.store.list(filter, place_, jobs_a_step);
    if (!page) return fail(page.error());
    place_ = page->next;
    if (!place_) sections_.erase(sections_.begin());
    std::vector<JobRecord> records;
    for (const Job& job : page->jobs) {
        auto record = parts_.store.record(job.id);
        if (!record) return fail(record.error());
        if (*record) records.push_back(std::move(**record));
    }
    return records;
}

void Verification::check_job(const JobRecord& record) {
    using What = Suspect::What;
    ++response_.jobs_checked;
    for (Finding& finding : audit(record))
        report(std::move(finding));
    if (auto state = counted_at(record, tally_.last_event)) ++counted_[*state];
    if (!record.damage.empty()) return;
    check_punctuality(record);
    if (auto finding = cross_check_.running(record, survey_))
        suspect(What::running, record.job.id, "", std::move(*finding));
    bool was_restored =
        restored_at_ && record.job.finished_at && record.job.finished_at->at <= *restored_at_;
    if (was_restored) return;
    if (auto finding = check_output(record))
        suspect(What::output, record.job.id, "", std::move(*finding));
}

/// What an attempt printed before the backup was made may not have come along.
std::optional<Finding> Verification::check_output(const JobRecord& record) const {
    if (!restored_at_) return cross_check_.output(record);
    JobRecord since = record;
    std::erase_if(since.attempts,
                  [&](const Attempt& attempt) { return attempt.finished_at.at <= *restored_at_; });
    return cross_check_.output(since);
}

void Verification::check_punctuality(const JobRecord& record) {
    TimePoint now = parts_.clock.now();
    switch (Punctuality how = punctuality(record, now, options_.late)) {
        case Punctuality::punctual:
            return;
        case Punctuality::late_for_a_reason:
            ++response_.late_for_a_reason;
            return;
        case Punctuality::early:
        case Punctuality::late:
            return report(unpunctual(record, how, now));
        case Punctuality::overdue:
            if (auto finding = look_at_overdue(record, waits_its_turn(record.job)))
                suspects_.push_back({Suspect::What::overdue,
                                     record.job.id,
                                     "",
                                     std::move(*finding),
                                     record.job.due_at.at});
    }
}

/// Jobs are counted as they were at the tally, by their events, though they moved on meanwhile.
/// Only those that were removed from history meanwhile can't be counted any more.
void Verification::check_counters() {
    auto later = parts_.store.tally();
    if (!later) return give_up(later.error());
    std::int64_t purged = later->purged - tally_.purged;
    std::vector<std::string_view> states{to_string(JobStatus::scheduled),
                                         to_string(JobStatus::running)};
    for (FinishStatus finish : finish_statuses)
        states.push_back(to_string(finish));
    for (std::string_view word : states) {
        const std::string state(word);
        std::int64_t rows = counted_[state];
        std::int64_t counter = tally_.counted[state];
        if (rows > counter || rows + purged < counter)
            report(finding_of(FindingKind::inconsistent,
                              fmt::format("the counter of {} says {}, and there {}",
                                          state,
                                          counter,
                                          rows == 1 ? "is 1" : fmt::format("are {}", rows))));
    }
}

// ---- containers and files ----

void Verification::check_containers() {
    for (std::size_t i = 0; i < containers_a_step && next_container_ < containers_.size(); ++i) {
        const ContainerSummary& container = containers_[next_container_++];
        ++response_.containers_checked;
        auto finding = cross_check_.container(container, survey_);
        if (!finding) return give_up(finding.error());
        if (*finding)
            suspect(Suspect::What::container, JobId(), container.id, std::move(**finding));
    }
    if (next_container_ < containers_.size()) return next();
    end_phase();
}

void Verification::check_files() {
    auto files = scan_.next(files_a_step);
    if (!files) {
        not_checked("files of output: " + files.error().message);
        return end_phase();
    }
    if (files->empty()) return end_phase();
    for (const SpoolFile& file : *files) {
        ++response_.files_checked;
        auto finding = cross_check_.file(file, survey_);
        if (!finding) return give_up(finding.error());
        if (*finding)
            suspect(Suspect::What::file, file.job, file.path.native(), std::move(**finding));
    }
    next();
}

// ---- suspicions ----

void Verification::suspect(Suspect::What what,
                           const JobId& job,
                           std::string place,
                           Finding finding) {
    suspects_.push_back({what, job, std::move(place), std::move(finding), TimePoint()});
}

void Verification::look_again() {
    parts_.steps.post_after(looks_after.at(looks_), [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->survey_then(&Verification::look_at_suspects);
    });
}

void Verification::look_at_suspects() {
    note_engine_trouble();
    std::vector<Suspect> still;
    for (Suspect& suspect : suspects_) {
        if (suspect.what == Suspect::What::overdue) note_turn(suspect);
        auto finding = look_at(suspect);
        if (!finding) return give_up(finding.error());
        if (!*finding) continue;
        suspect.finding = std::move(**finding);
        still.push_back(std::move(suspect));
    }
    suspects_ = std::move(still);
    if (++looks_ < looks_after.size() && !suspects_.empty()) return look_again();
    looks_ = 0;
    for (Suspect& suspect : suspects_)
        report(std::move(suspect.finding));
    suspects_.clear();
    next();
}

Result<std::optional<Finding>> Verification::look_at(const Suspect& suspect) const {
    using What = Suspect::What;
    if (suspect.what == What::container) {
        for (const ContainerSummary& container : survey_.containers)
            if (container.id == suspect.place) return cross_check_.container(container, survey_);
        return std::optional<Finding>();
    }
    if (suspect.what == What::file)
        return cross_check_.file(SpoolFile::named(suspect.place), survey_);
    auto record = parts_.store.record(suspect.job);
    if (!record) return fail(record.error());
    if (!*record) return std::optional<Finding>();
    if (suspect.what == What::running) return cross_check_.running(**record, survey_);
    if (suspect.what == What::overdue) return look_at_overdue(**record, suspect.waits_its_turn);
    return check_output(**record);
}

/// A job that waits for something is no finding.
std::optional<Finding> Verification::look_at_overdue(const JobRecord& record,
                                                     bool waits_its_turn) const {
    TimePoint now = parts_.clock.now();
    if (punctuality(record, now, options_.late) != Punctuality::overdue) return std::nullopt;
    bool is_engine_up = survey_.unreachable.empty();
    auto pause = parts_.store.pause_state();
    bool is_paused = !pause || (pause->paused && (!pause->until || now < *pause->until));
    if (!is_engine_up || waits_its_turn || is_paused || !parts_.store.write_trouble().empty())
        return std::nullopt;
    if (record.waits_for_group && !has_group_room(*record.waits_for_group)) return std::nullopt;
    return unpunctual(record, Punctuality::overdue, now);
}

/// Where the end of a job of it is stored, room shows that nobody has yet: the next one is claimed
/// when its container is gone.
bool Verification::has_group_room(const std::string& name) const {
    if (!survey_.has_free_slot || claims_now_ != claims_before_) return false;
    auto counts = parts_.store.counts();
    auto group = parts_.store.group(name);
    if (!counts || !group) return false;
    if (std::ssize(survey_.in_care) > (*counts)["running"]) return false;
    if (!*group) return true;
    return !(*group)->paused &&
           (!(*group)->max_running || (*group)->running < *(*group)->max_running);
}

/// A first look: while jobs are claimed or nothing is free, only a job that is due earlier than
/// what was claimed last is suspected.
bool Verification::waits_its_turn(const Job& job) const {
    bool may_be_claimed = survey_.has_free_slot && claims_now_ == claims_before_;
    bool goes_first = survey_.last_claimed_due && job.due_at.at < *survey_.last_claimed_due;
    return !may_be_claimed && !goes_first;
}

/// Claims go in the order of due times. Between two looks at a job that was due all the time, a
/// claim of one that is due later has passed it over, and any other claim says that it waits its
/// turn. Where nothing was claimed, the slots say whether it could have been.
void Verification::note_turn(Suspect& suspect) const {
    if (suspect.was_passed_over || looks_ == 0) return;
    bool was_claimed = claims_now_ != claims_before_;
    suspect.was_passed_over =
        was_claimed && survey_.last_claimed_due && suspect.due_at < *survey_.last_claimed_due;
    suspect.waits_its_turn = !suspect.was_passed_over && (was_claimed || !survey_.has_free_slot);
}

// ---- the answer ----

void Verification::report(Finding finding) {
    ++response_.found[finding.kind];
    if (static_cast<std::int64_t>(response_.findings.size()) < options_.findings_listed)
        response_.findings.push_back(std::move(finding));
    else
        ++response_.left_out;
}

void Verification::not_checked(std::string why) {
    response_.not_checked.push_back(std::move(why));
}

std::int64_t Verification::found() const {
    std::int64_t sum = 0;
    for (const auto& [kind, count] : response_.found)
        sum += count;
    return sum;
}

void Verification::give_up(const Error& error) {
    reply_(fail(error));
}

void Verification::finish() {
    std::string checked = fmt::format("{}, {} and {}",
                                      count_words(response_.jobs_checked, "job"),
                                      count_words(response_.containers_checked, "container"),
                                      count_words(response_.files_checked, "file") + " of output");
    response_.well = found() == 0 && response_.not_checked.empty();
    if (found() > 0) {
        std::string kinds;
        for (FindingKind kind : finding_kinds)
            if (auto found = response_.found.find(std::string(to_string(kind)));
                found != response_.found.end())
                kinds += fmt::format(
                    "{}{} {}", kinds.empty() ? "" : ", ", found->second, to_string(kind));
        response_.message = fmt::format("not all is well: {} in {} checked", kinds, checked);
    } else if (response_.well) {
        response_.message = fmt::format("all is well: {} checked", checked);
    } else {
        response_.message =
            fmt::format("nothing wrong was found in {}, but not all could be checked", checked);
    }
    reply_(std::move(response_));
}

}  // namespace scheduler
