/// edit: changes a scheduled job. What it was, and whether it is too late, is decided by its row.

#include <algorithm>

#include <fmt/format.h>

#include "common/definition.hpp"
#include "common/local_time.hpp"
#include "daemon/service/due.hpp"
#include "daemon/service/rights.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

/// What the job is to run, from what it runs now.
Result<JobSpec> changed(const Job& job, const EditRequest& request, const Caller& caller) {
    JobSpec spec = *job.spec;
    JobSpec given = request.spec;
    if (auto kept = keep_hidden_values(given, &spec); !kept) return fail(kept.error());
    const Inherited before{spec, fmt::format("job {}", job.number), job.submitted_by.value_or("")};
    bool is_as_it_is = given == JobSpec{} && request.unset.empty();
    if (auto may = check_rights_over(before, is_as_it_is, given, caller); !may)
        return fail(may.error());
    if (job.attempt && given.expires)
        return fail(ErrorCode::bad_field,
                    fmt::format("expires {} is of a job's first start, and job {} was started "
                                "already: it waits for attempt {}; leave expires out",
                                given.expires->to_string(),
                                job.number,
                                *job.attempt + 1));
    for (const std::string& name : request.unset)
        if (auto taken = unset_field(spec, name); !taken) return fail(taken.error());
    spec = overlay(std::move(spec), given);
    if (auto ok = check_spec(spec); !ok) return fail(ok.error());
    if (spec.image)
        if (auto image = usable_image(*spec.image); !image) return fail(image.error());
    return spec;
}

EditResponse answer(Job job, std::optional<std::string> warning, TimePoint now) {
    EditResponse response;
    response.message =
        fmt::format("job {} was changed: it is due {}", job.id.to_string(), job.scheduled_to);
    response.warning = std::move(warning);
    response.zone = zone_name(job.due_at.at);
    response.job = shown(std::move(job), now);
    return response;
}

}  // namespace

void Service::handle(const EditRequest& request, const Caller& caller, Reply<EditResponse> reply) {
    TimePoint now = parts_->clock.now();
    bool has_moment = request.time || request.date || request.at;
    bool has_spec = request.spec != JobSpec{} || !request.unset.empty();
    if (!has_moment && !has_spec)
        return reply(fail(ErrorCode::bad_field,
                          "nothing is to be changed: give time, date or at, a field of the "
                          "specification, or unset"));
    JobEdit edit;
    std::optional<std::string> warning;
    if (has_moment) {
        auto due = read_due(request.time, request.date, request.at, now);
        if (!due) return reply(fail(due.error()));
        auto past =
            check_past(*due, request.past_date, now, parts_->options.get().refuse_past_dates);
        if (!past) return reply(fail(past.error()));
        if (past->refusal) return reply(fail(*past->refusal));
        warning = std::move(past->warning);
        // Its wait begins now, not in the past.
        edit.due_at = std::max(due->at, now);
    }
    if (has_spec)
        edit.change_spec = [request, caller](const Job& before) {
            return changed(before, request, caller);
        };
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return reply(fail(job.error()));
    parts_->store.edit(job->id,
                       std::move(edit),
                       [&dispatcher = parts_->dispatcher,
                        now,
                        warning = std::move(warning),
                        reply = std::move(reply)](Result<Job> edited) mutable {
                           if (!edited) return reply(fail(edited.error()));
                           wake(dispatcher, *edited);
                           reply(answer(std::move(*edited), std::move(warning), now));
                       });
}

}  // namespace scheduler
