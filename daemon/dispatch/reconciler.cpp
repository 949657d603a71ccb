#include "daemon/dispatch/reconciler.hpp"

#include "daemon/base/log.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {

void Reconciler::run(std::function<bool(JobId)> is_ours,
                     EngineReply<std::unordered_set<std::string>> reply) {
    engine_.list(
        instance_label,
        instance_,
        [weak = std::weak_ptr(self_), is_ours = std::move(is_ours), reply = std::move(reply)](
            EngineResult<std::vector<ContainerSummary>> listed) mutable {
            auto self = weak.lock();
            if (!self) return;
            if (!listed) return reply(fail(listed.error()));
            std::unordered_set<std::string> running;
            std::set<std::string> listed_ids;
            for (const ContainerSummary& container : *listed) {
                if (container.is_running) running.insert(container.id);
                listed_ids.insert(container.id);
                auto label = container.labels.find(job_label);
                auto job = JobId::parse(label == container.labels.end() ? "" : label->second);
                if (job && is_ours(*job)) continue;
                (*self)->look_at(container);
            }
            (*self)->forget_all_but(listed_ids);
            reply(std::move(running));
        });
}

/// A stranger that is listed stays reported; one that is gone would be news again.
void Reconciler::forget_all_but(const std::set<std::string>& listed) {
    std::erase_if(reported_, [&](const std::string& id) { return listed.count(id) == 0; });
}

void Reconciler::look_at(const ContainerSummary& container) {
    auto label = container.labels.find(job_label);
    std::string text = label == container.labels.end() ? "" : label->second;
    auto id = JobId::parse(text);
    auto job = id ? store_.find(JobRef{text}, "") : Result<Job>(fail(ErrorCode::job_not_found, ""));
    if (job && has_ended(job->status)) return clean_up(container);
    if (job) return;  // claimed meanwhile, or by a run that is about to begin
    if (job.error().code != ErrorCode::job_not_found) return;
    if (reported_.insert(container.id).second)
        log_warning("container_without_job",
                    {{"container", container.id}, {"name", container.name}, {"job", text}});
}

/// Its outcome is committed, so it may go; a start that the engine executed late is stopped first.
void Reconciler::clean_up(const ContainerSummary& container) {
    auto remove = [weak = std::weak_ptr(self_), id = container.id](const EngineResult<Done>&) {
        auto self = weak.lock();
        if (!self) return;
        (*self)->engine_.remove(id, [weak, id](EngineResult<Done> removed) {
            if (removed) return;
            log_warning("container_not_removed",
                        {{"container", id}, {"error", removed.error().message}});
            if (auto alive = weak.lock()) (*alive)->on_left_();
        });
    };
    log_info("container_left_over", {{"container", container.id}, {"name", container.name}});
    if (container.is_running)
        engine_.stop(container.id, Duration(0), remove);
    else
        remove(Done{});
}

}  // namespace scheduler
