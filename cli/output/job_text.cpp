#include "cli/output/job_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output/relative_time.hpp"
#include "cli/output/text.hpp"
#include "common/local_time.hpp"

namespace scheduler {
namespace {

/// A moment in the zone of the job's other dates where that is ours too, else in UTC.
std::string moment_text(const Job& job, TimePoint at) {
    bool same_zone = to_local_date(job.due_at.at) == job.scheduled_to;
    return same_zone ? to_local_date(at) : to_rfc3339(at);
}

/// `5m late`; empty for what was on time. A date in the past is due when it is submitted.
std::string lateness_text(const Job& job) {
    Duration late(job.lateness_ms.value_or(0));
    late -= due_from(job) - job.due_at.at;
    return late < std::chrono::seconds(1) ? "" : short_duration(late) + " late";
}

/// Due, and not started though.
bool is_overdue(const Job& job, TimePoint now) {
    return job.status == JobStatus::scheduled && !job.held_by &&
           now - due_from(job) >= std::chrono::seconds(1);
}

std::string started_text(const Job& job) {
    std::string text = moment_text(job, job.started_at->at);
    std::string late = lateness_text(job);
    return late.empty() ? text : fmt::format("{}, {}", text, late);
}

std::string finished_text(const Job& job, TimePoint now) {
    std::string text = job.finish_date.value_or(moment_text(job, job.finished_at->at));
    text += ", " + relative_time(job.finished_at->at, now);
    if (job.started_at)
        text += ", ran for " + short_duration(job.finished_at->at - job.started_at->at);
    return text;
}

/// `1: failed with exit code 3, ran for 2s, ended 20-06-2027 20:00:02`
std::string attempt_text(const Job& job, const Attempt& attempt) {
    std::string text = fmt::format("{}: {}", attempt.attempt, to_string(attempt.finish_status));
    if (attempt.exit_code) text += fmt::format(" with exit code {}", *attempt.exit_code);
    if (attempt.started_at)
        text += ", ran for " + short_duration(attempt.finished_at.at - attempt.started_at->at);
    text += ", ended " + moment_text(job, attempt.finished_at.at);
    if (attempt.error) text += ": " + escape_text(*attempt.error);
    return text;
}

std::string words_text(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        if (!text.empty()) text += ' ';
        text += quote_shell(word);
    }
    return escape_text(text);
}

/// Lines of `name  value` with the values in one column.
class Block {
  public:
    void add(std::string_view name, std::string_view value) {
        text_ += fmt::format("{:<11}{}\n", name, value);
    }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

std::string pairs_text(const std::map<std::string, std::string>& pairs) {
    std::vector<std::string> words;
    for (const auto& [name, value] : pairs)
        words.push_back(name + '=' + value);
    return words_text(words);
}

void add_program(Block& block, const JobSpec& spec) {
    if (spec.image) block.add("Image", escape_text(*spec.image));
    if (!spec.entrypoint.empty()) block.add("Entrypoint", words_text(spec.entrypoint));
    if (!spec.command.empty()) block.add("Command", words_text(spec.command));
    std::string names;
    for (const auto& [name, value] : spec.env)
        names +=
            fmt::format("{}{}={}", names.empty() ? "" : " ", escape_text(name), escape_text(value));
    if (!names.empty()) block.add("Env", names);
    if (spec.workdir) block.add("Workdir", escape_text(*spec.workdir));
    if (spec.user) block.add("User", escape_text(*spec.user));
    if (!spec.labels.empty()) block.add("Labels", pairs_text(spec.labels));
    if (spec.hostname) block.add("Hostname", escape_text(*spec.hostname));
}

void add_limits(Block& block, const JobSpec& spec) {
    if (spec.memory) block.add("Memory", spec.memory->to_string());
    if (spec.cpus) block.add("CPUs", spec.cpus->to_string());
    if (spec.pids_limit) block.add("Pids limit", std::to_string(*spec.pids_limit));
    if (spec.shm_size) block.add("Shm size", spec.shm_size->to_string());
    std::vector<std::string> ulimits;
    for (const Ulimit& limit : spec.ulimits)
        ulimits.push_back(limit.to_string());
    if (!ulimits.empty()) block.add("Ulimits", words_text(ulimits));
    if (spec.timeout) block.add("Timeout", spec.timeout->to_string());
    if (spec.stop_grace) block.add("Stop grace", spec.stop_grace->to_string());
    if (spec.priority) block.add("Priority", std::to_string(*spec.priority));
    if (spec.group) block.add("Group", escape_text(*spec.group));
    if (spec.expires) block.add("Expires", spec.expires->to_string() + " after it is due");
    if (spec.log_limit) block.add("Log limit", spec.log_limit->to_string());
    if (spec.retries) block.add("Retries", spec.retries->to_words());
}

/// A profile would fill screens.
std::vector<std::string> without_profiles(std::vector<std::string> options) {
    constexpr std::string_view seccomp = "seccomp=";
    for (std::string& option : options)
        if (option.starts_with(seccomp) && option.find('{') != std::string::npos)
            option = fmt::format("{}{{{} bytes}}", seccomp, option.size() - seccomp.size());
    return options;
}

void add_isolation(Block& block, const JobSpec& spec) {
    auto words = [](bool is_so) { return is_so ? "yes" : "no"; };
    if (spec.network) block.add("Network", escape_text(*spec.network));
    for (const Mount& mount : spec.mounts)
        block.add("Mount", escape_text(mount_text(mount)));
    for (const auto& [path, options] : spec.tmpfs)
        block.add("Tmpfs", escape_text(options.empty() ? path : path + ':' + options));
    if (spec.read_only) block.add("Read-only", words(*spec.read_only));
    if (!spec.cap_add.empty()) block.add("Cap add", words_text(spec.cap_add));
    if (!spec.cap_drop.empty()) block.add("Cap drop", words_text(spec.cap_drop));
    if (!spec.security_opt.empty())
        block.add("Security", words_text(without_profiles(spec.security_opt)));
    if (spec.init) block.add("Init", words(*spec.init));
    if (spec.gpus) block.add("GPUs", escape_text(spec.gpus->to_string()));
}

void add_spec(Block& block, const JobSpec& spec) {
    add_program(block, spec);
    add_limits(block, spec);
    add_isolation(block, spec);
}

std::string name_text(const Job& job) {
    std::string name = escape_text(job.job_name);
    if (!job.definition_revision) return name;
    return fmt::format("{} (definition, revision {})", name, *job.definition_revision);
}

std::string optional_instant(const std::optional<Instant>& instant) {
    return instant ? instant->to_string() : "-";
}

}  // namespace

std::string status_word(const Job& job) {
    return std::string(job.finish_status ? to_string(*job.finish_status) : to_string(job.status));
}

std::vector<Column> job_columns() {
    return {{.title = "NUMBER", .right = true},
            {.title = "NAME", .flexible = true, .minimum = 8},
            {.title = "STATUS"},
            {.title = "DUE"},
            {.title = "FINISHED"},
            {.title = "EXIT", .right = true}};
}

Row job_row(const Job& job, TimePoint now) {
    return {{std::to_string(job.number)},
            {escape_text(job.job_name)},
            {job.held_by            ? "held"
             : is_overdue(job, now) ? "overdue"
                                    : status_word(job),
             colour_of(job)},
            {relative_time(job.due_at.at, now)},
            {job.finished_at ? relative_time(job.finished_at->at, now) : "-"},
            {job.exit_code ? std::to_string(*job.exit_code) : "-"}};
}

std::string job_fields(const Job& job) {
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                       job.number,
                       job.id.to_string(),
                       escape_field(job.job_name),
                       to_string(job.status),
                       job.finish_status ? to_string(*job.finish_status) : "-",
                       job.due_at.to_string(),
                       optional_instant(job.finished_at),
                       job.exit_code ? std::to_string(*job.exit_code) : "-",
                       job.lateness_ms ? std::to_string(*job.lateness_ms) : "-");
}

std::string due_text(const Job& job, std::string_view zone, TimePoint now) {
    std::string place = zone.empty() ? "" : ' ' + escape_text(zone);
    return fmt::format(
        "{}{}, {}", escape_text(job.scheduled_to), place, relative_time(job.due_at.at, now));
}

std::string job_details(const Job& job, TimePoint now, bool colour) {
    Block block;
    block.add("Job", fmt::format("{} ({})", job.number, job.id.to_string()));
    block.add("Name", name_text(job));
    block.add("Status", paint(status_word(job), colour_of(job), colour));
    if (job.exit_code) block.add("Exit code", std::to_string(*job.exit_code));
    if (job.error) block.add("Error", escape_text(*job.error));
    std::string by = job.submitted_by ? " by " + escape_text(*job.submitted_by) : "";
    block.add("Submitted", escape_text(job.scheduled_in) + by);
    block.add("Due", due_text(job, "", now) + (is_overdue(job, now) ? ", overdue" : ""));
    if (job.held_by) block.add("Held", "by " + escape_text(*job.held_by));
    if (job.started_at) block.add("Started", started_text(job));
    if (job.finished_at) block.add("Finished", finished_text(job, now));
    for (const Attempt& attempt : job.attempts)
        block.add("Attempt", attempt_text(job, attempt));
    bool is_listed = !job.attempts.empty() && job.attempts.back().attempt == job.attempt;
    if (job.attempt && *job.attempt > 1 && !is_listed)
        block.add("Attempt", std::to_string(*job.attempt));
    if (job.spec) add_spec(block, *job.spec);
    if (job.output_removed_at)
        block.add("Output", "removed " + relative_time(job.output_removed_at->at, now));
    if (job.container_id) block.add("Container", escape_text(*job.container_id).substr(0, 12));
    if (job.schedule_id) block.add("Schedule", job.schedule_id->to_string());
    return block.take();
}

std::string definition_details(const Definition& definition, TimePoint now) {
    Block block;
    block.add("Definition", escape_text(definition.name));
    block.add("Revision", std::to_string(definition.revision));
    block.add("Set",
              fmt::format("{} by {}",
                          relative_time(definition.updated_at.at, now),
                          escape_text(definition.updated_by)));
    add_spec(block, definition.spec);
    return block.take();
}

std::vector<Column> definition_columns() {
    return {{.title = "NAME"},
            {.title = "REVISION", .right = true},
            {.title = "SET"},
            {.title = "IMAGE"},
            {.title = "COMMAND", .flexible = true, .minimum = 8}};
}

Row definition_row(const Definition& definition, TimePoint now) {
    std::string command = words_text(definition.spec.command);
    return {{escape_text(definition.name)},
            {std::to_string(definition.revision)},
            {relative_time(definition.updated_at.at, now)},
            {escape_text(definition.spec.image.value_or("-"))},
            {command.empty() ? "-" : command}};
}

std::string definition_fields(const Definition& definition) {
    return fmt::format("{}\t{}\t{}\t{}\t{}\n",
                       escape_field(definition.name),
                       definition.revision,
                       definition.updated_at.to_string(),
                       escape_field(definition.updated_by),
                       escape_field(definition.spec.image.value_or("-")));
}

std::vector<Column> group_columns() {
    return {{.title = "GROUP", .flexible = true, .minimum = 8},
            {.title = "MAX", .right = true},
            {.title = "RUNNING", .right = true},
            {.title = "DUE", .right = true},
            {.title = "PAUSED"}};
}

namespace {

std::string limit_text(const Group& group) {
    return group.max_running ? std::to_string(*group.max_running) : "-";
}

std::string pause_text(const Group& group, TimePoint now) {
    if (!group.paused) return "-";
    if (!group.paused_until) return "until resumed";
    return "resumes " + relative_time(group.paused_until->at, now);
}

}  // namespace

Row group_row(const Group& group, TimePoint now) {
    return {{escape_text(group.name)},
            {limit_text(group)},
            {std::to_string(group.running)},
            {std::to_string(group.waiting)},
            {pause_text(group, now)}};
}

std::string group_fields(const Group& group) {
    std::string paused = group.paused ? "paused" : "-";
    if (group.paused_until) paused = group.paused_until->to_string();
    return fmt::format("{}\t{}\t{}\t{}\t{}\n",
                       escape_field(group.name),
                       limit_text(group),
                       group.running,
                       group.waiting,
                       paused);
}

std::string group_details(const Group& group, TimePoint now) {
    Block block;
    block.add("Group", escape_text(group.name));
    block.add("At once", group.max_running ? limit_text(group) : "no limit");
    if (group.paused) block.add("Paused", pause_text(group, now));
    block.add("Running", std::to_string(group.running));
    block.add("Due", std::to_string(group.waiting));
    block.add(
        "Set",
        fmt::format(
            "{} by {}", relative_time(group.updated_at.at, now), escape_text(group.updated_by)));
    return block.take();
}

std::string outcome_sentence(const Job& job) {
    std::string subject = fmt::format("job {}", job.number);
    if (!job.finish_status) return fmt::format("{} is {}", subject, to_string(job.status));
    std::string reason = job.error ? ": " + escape_text(*job.error) : "";
    switch (*job.finish_status) {
        case FinishStatus::success:
            return subject + " succeeded";
        case FinishStatus::failed:
            if (!job.exit_code) return subject + " failed" + reason;
            return fmt::format("{} failed with exit code {}{}", subject, *job.exit_code, reason);
        case FinishStatus::did_not_run:
            return subject + " did not run" + reason;
        case FinishStatus::killed:
            // The daemon's reason says who did it, and begins with the word.
            if (job.error && job.error->starts_with("killed"))
                return subject + " was " + escape_text(*job.error);
            return subject + " was killed" + reason;
        case FinishStatus::timed_out:
            return subject + " timed out" + reason;
        case FinishStatus::lost:
            return subject + " was lost: its end can't be known" + reason;
    }
    return subject + " ended";
}

std::string event_line(const JobEvent& event) {
    if (event.reset) return "-\tearlier events are no longer kept\n";
    std::string line = fmt::format("{}\tjob {}\t{}\t{}",
                                   event.at.to_string(),
                                   event.number,
                                   escape_field(event.job_name),
                                   event.to ? to_string(*event.to) : "-");
    if (event.finish_status) line += fmt::format("\t{}", to_string(*event.finish_status));
    if (event.reason && !event.reason->empty()) line += '\t' + escape_field(*event.reason);
    return line + '\n';
}

}  // namespace scheduler
