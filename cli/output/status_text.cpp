#include "cli/output/status_text.hpp"

#include <fmt/format.h>

#include "cli/output/colour.hpp"
#include "cli/output/relative_time.hpp"
#include "cli/output/text.hpp"
#include "common/size.hpp"

namespace scheduler {
namespace {

std::string line(std::string_view name, std::string_view value) {
    return fmt::format("{:<11}{}\n", name, value);
}

std::string readiness(const StatusResponse& status, bool colour) {
    if (status.ready) return paint("ready", Colour::green, colour);
    std::string text = paint("not ready", Colour::red, colour);
    if (status.reason) text += ": " + escape_text(*status.reason);
    return text;
}

std::int64_t count_of(const StatusResponse& status, std::string_view word) {
    auto found = status.jobs.find(std::string(word));
    return found == status.jobs.end() ? 0 : found->second;
}

std::string living_jobs(const StatusResponse& status) {
    std::string text = fmt::format(
        "{} scheduled, {} running", count_of(status, "scheduled"), count_of(status, "running"));
    if (status.overdue > 0) text += fmt::format("; {} overdue", status.overdue);
    return text;
}

/// Each outcome that occurred.
std::string ended_jobs(const StatusResponse& status) {
    std::string text;
    for (FinishStatus finish : finish_statuses)
        if (std::int64_t count = count_of(status, to_string(finish)); count > 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, to_string(finish));
    return text;
}

std::string paused(const StatusResponse& status) {
    if (!status.paused_until) return "nothing is started until `schedctl resume`";
    return fmt::format("nothing is started; resumes {}",
                       relative_time(status.paused_until->at, status.now.at));
}

/// How much is kept of jobs that have ended.
std::string output(const StatusResponse& status) {
    std::string text = bytes_in_words(status.output_bytes);
    if (status.log_total) text += fmt::format(" of {} kept", bytes_in_words(*status.log_total));
    return text;
}

std::string listens(const StatusResponse& status) {
    std::string text = escape_text(status.socket);
    for (const std::string& address : status.listen)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", escape_text(address));
    return text;
}

}  // namespace

std::string status_text(const StatusResponse& status, bool colour) {
    std::string text = line("Status", readiness(status, colour));
    text += line("Daemon",
                 fmt::format("schedulerd {}, pid {}, up {}",
                             escape_text(status.version),
                             status.pid,
                             short_duration(status.now.at - status.started_at.at)));
    text += line("Engine", status.engine ? escape_text(*status.engine) : "none reached yet");
    text += line("Jobs", living_jobs(status));
    if (auto ended = ended_jobs(status); !ended.empty()) text += line("Ended", ended);
    if (status.purged > 0)
        text += line("Removed",
                     fmt::format("{} old job{}", status.purged, status.purged == 1 ? "" : "s"));
    if (status.output_bytes > 0) text += line("Output", output(status));
    if (status.next_due_at)
        text += line("Next due", relative_time(status.next_due_at->at, status.now.at));
    if (status.paused) text += line("Paused", paused(status));
    text += line("Limit", fmt::format("{} running at once", status.max_running));
    text += line("Listens", listens(status));
    text += line("State", escape_text(status.state_dir));
    text += line("Zone", escape_text(status.zone));
    for (const std::string& warning : status.warnings)
        text += line("Warning", escape_text(warning));
    return text;
}

}  // namespace scheduler
