/// show and list: jobs in pages, in one picture, or streamed.

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/base/failpoint.hpp"
#include "daemon/service/limit_of.hpp"
#include "daemon/service/service_parts.hpp"

namespace scheduler {
namespace {

Result<ListFilter> filter_of(const ListRequest& request, TimePoint now) {
    ListFilter filter;
    filter.status = request.status;
    filter.finish_status = request.finish_status;
    filter.job_name = request.job_name;
    for (auto [text, place, name] : {std::tuple(&request.since, &filter.since, "since"),
                                     std::tuple(&request.until, &filter.until, "until")}) {
        if (!*text) continue;
        auto at = parse_past(**text, now, name);
        if (!at) return fail(at.error());
        *place = *at;
    }
    return filter;
}

std::vector<Job> shown_all(std::vector<Job> jobs, TimePoint now) {
    for (Job& job : jobs)
        job = shown(std::move(job), now);
    return jobs;
}

using Section = Service::ListPart::Section;

/// Section by section, a page at a time; between pages nothing is held but a place.
class ListStream final : public Stream<Service::ListPart> {
  public:
    ListStream(Store& store, const Clock& clock, ListFilter filter)
        : store_(store), clock_(clock), filter_(std::move(filter)) {}

    void next(Reply<std::optional<Service::ListPart>> reply) override { reply(read()); }
    void cancel() override { steps_.clear(); }

  private:
    /// `moved`: jobs that were claimed while the scheduled ones were read.
    enum class Step { running, scheduled, moved, history };

    Result<std::optional<Service::ListPart>> read() {
        while (!steps_.empty()) {
            auto page = store_.list(filter_for(steps_.front()), place_, ListRequest::limit_max);
            if (!page) return fail(page.error());
            Service::ListPart part =
                part_of(steps_.front(), shown_all(std::move(page->jobs), clock_.now()));
            place_ = page->next;
            if (!place_) steps_.erase(steps_.begin());
            if (!part.jobs.empty()) return std::optional(std::move(part));
        }
        return std::optional<Service::ListPart>();
    }

    [[nodiscard]] ListFilter filter_for(Step step) const {
        ListFilter narrowed = filter_;
        std::vector<JobStatus> wanted{JobStatus::finished, JobStatus::canceled};
        if (step == Step::running || step == Step::moved) wanted = {JobStatus::running};
        if (step == Step::scheduled) wanted = {JobStatus::scheduled};
        if (!filter_.status.empty())
            std::erase_if(wanted, [&](JobStatus status) {
                return std::find(filter_.status.begin(), filter_.status.end(), status) ==
                       filter_.status.end();
            });
        narrowed.status = wanted;
        // A filter that leaves nothing of this section must not read as "all".
        if (wanted.empty()) {
            narrowed.status = {JobStatus::scheduled};
            narrowed.finish_status = {FinishStatus::success};
        }
        return narrowed;
    }

    Service::ListPart part_of(Step step, std::vector<Job> jobs) {
        Service::ListPart part;
        part.section = step == Step::running   ? Section::running
                       : step == Step::history ? Section::history
                                               : Section::scheduled;
        // Bounded by max_running.
        if (step == Step::running)
            for (const Job& job : jobs)
                listed_running_.insert(job.id);
        // Claimed meanwhile, or tried again.
        if (step == Step::moved || step == Step::scheduled)
            std::erase_if(jobs, [&](const Job& job) { return listed_running_.count(job.id) > 0; });
        part.jobs = std::move(jobs);
        return part;
    }

    Store& store_;
    const Clock& clock_;
    ListFilter filter_;
    std::vector<Step> steps_{Step::running, Step::scheduled, Step::moved, Step::history};
    std::optional<ListPosition> place_;
    std::set<JobId> listed_running_;
};

}  // namespace

Result<Job> Service::handle(const ShowRequest& request, const Caller& caller) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return fail(job.error());
    return shown(with_attempts(parts_->store, std::move(*job)), parts_->clock.now());
}

Result<ListResponse> Service::handle(const ListRequest& request, const Caller&) {
    auto limit = limit_of(request);
    if (!limit) return fail(limit.error());
    auto filter = filter_of(request, parts_->clock.now());
    if (!filter) return fail(filter.error());
    std::optional<ListPosition> after;
    if (request.after && !request.after->position) {
        auto place = parts_->store.position_of(request.after->job);
        if (!place) return fail(place.error());
        after = *place;
    } else if (request.after) {
        after = request.after->position;
    }
    auto page = parts_->store.list(*filter, after, *limit);
    if (!page) return fail(page.error());
    ListResponse response;
    response.jobs = shown_all(std::move(page->jobs), parts_->clock.now());
    if (page->next)
        response.next =
            ListPlace{response.jobs.back().id, mutated("pages_by_job") ? std::nullopt : page->next};
    return response;
}

Result<std::optional<std::vector<Job>>> Service::list_all(const ListRequest& request) {
    auto filter = filter_of(request, parts_->clock.now());
    if (!filter) return fail(filter.error());
    auto jobs = parts_->store.list_all(*filter, jobs_in_one_picture);
    if (!jobs || !*jobs) return jobs;
    return std::optional(shown_all(std::move(**jobs), parts_->clock.now()));
}

Result<std::unique_ptr<Stream<Service::ListPart>>> Service::list_stream(
    const ListRequest& request) {
    auto filter = filter_of(request, parts_->clock.now());
    if (!filter) return fail(filter.error());
    return std::unique_ptr<Stream<ListPart>>(
        std::make_unique<ListStream>(parts_->store, parts_->clock, std::move(*filter)));
}

}  // namespace scheduler
