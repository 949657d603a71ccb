/// prune: history and output over a limit go now; the dispatcher's retention does the work.

#include <limits>

#include <fmt/format.h>

#include "common/size.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

/// The limits that are given; nothing when none is.
Result<std::optional<RetentionLimits>> limits_of(const PruneRequest& request) {
    if (!request.older_than && !request.keep && !request.log_total)
        return std::optional<RetentionLimits>();
    RetentionLimits limits;
    if (request.older_than) limits.history_age = request.older_than->length;
    if (request.keep && *request.keep < 0)
        return fail(ErrorCode::bad_field,
                    fmt::format("keep must be 0 or more, not {}", *request.keep));
    limits.history_count = request.keep;
    if (request.log_total) {
        auto bytes = parse_size(*request.log_total);
        if (!bytes) return fail(bytes.error().code, "log_total: " + bytes.error().message);
        limits.log_total = static_cast<std::int64_t>(*bytes);
    }
    return std::optional(limits);
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string sentence(const PruneReport& report, bool dry_run) {
    std::string text = fmt::format(
        "{}{}", dry_run ? "would remove " : "removed ", counted(report.jobs, "job", "jobs"));
    if (report.outputs > 0)
        text += fmt::format(", the output of {} more", counted(report.outputs, "job", "jobs"));
    if (report.containers > 0)
        text += fmt::format(", {} that {} left over",
                            counted(report.containers, "container", "containers"),
                            report.containers == 1 ? "was" : "were");
    text += fmt::format(
        "; {} of output {}", bytes_in_words(report.output_bytes), dry_run ? "would go" : "went");
    return text;
}

}  // namespace

void Service::handle(const PruneRequest& request, const Caller&, Reply<PruneResponse> reply) {
    auto limits = limits_of(request);
    if (!limits) return reply(fail(limits.error()));
    bool dry_run = request.dry_run;
    parts_->dispatcher.prune(
        *limits, dry_run, [dry_run, reply = std::move(reply)](Result<PruneReport> done) mutable {
            if (!done) return reply(fail(done.error()));
            PruneResponse response;
            response.message = sentence(*done, dry_run);
            response.jobs = done->jobs;
            response.outputs = done->outputs;
            response.output_bytes = done->output_bytes;
            response.containers = done->containers;
            response.dry_run = dry_run;
            if (!done->warning.empty()) response.warning = std::move(done->warning);
            reply(std::move(response));
        });
}

}  // namespace scheduler
