#include "daemon/dispatch/reconciler.hpp"

#include "daemon/base/log.hpp"
#include "daemon/dispatch/names.hpp"

namespace scheduler {
namespace {

std::string job_text(const ContainerSummary& container) {
    auto label = container.labels.find(job_label);
    return label == container.labels.end() ? "" : label->second;
}

}  // namespace

/// One look at the containers. It ends when nothing refers to it any more, which is after its last
/// removal.
struct Reconciler::Pass {
    Pass(std::weak_ptr<Reconciler*> owner, std::int64_t left_before, EngineReply<std::int64_t> then)
        : reconciler(std::move(owner)), left_count(left_before), reply(std::move(then)) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
        if (auto self = reconciler.lock()) (*self)->end_pass(*this);
    }

    std::weak_ptr<Reconciler*> reconciler;
    std::int64_t left_count;  ///< of the reconciler, when the pass began
    EngineReply<std::int64_t> reply;
    bool was_listed = false;
    std::int64_t found = 0;
    std::int64_t removed = 0;
    std::optional<EngineFailure> failure;
};

void Reconciler::end_pass(Pass& pass) {
    // A pass that saw less than all says nothing.
    if (pass.was_listed && pass.removed == pass.found && pass.left_count == left_count_)
        is_clear_ = true;
    if (!pass.reply) return;
    if (pass.failure) return pass.reply(fail(*pass.failure));
    pass.reply(pass.removed);
}

void Reconciler::container_left() {
    ++left_count_;
    is_clear_ = false;
    on_left_();
}

void Reconciler::run(std::function<bool(JobId)> is_ours,
                     EngineReply<std::unordered_set<std::string>> reply) {
    auto pass = std::make_shared<Pass>(self_, left_count_, EngineReply<std::int64_t>());
    engine_.list(
        instance_label,
        instance_,
        [weak = std::weak_ptr(self_), pass, is_ours = std::move(is_ours), reply = std::move(reply)](
            EngineResult<std::vector<ContainerSummary>> listed) mutable {
            auto self = weak.lock();
            if (!self) return;
            if (!listed) {
                pass->failure = listed.error();
                return reply(fail(listed.error()));
            }
            pass->was_listed = true;
            std::unordered_set<std::string> running;
            std::set<std::string> listed_ids;
            for (const ContainerSummary& container : *listed) {
                if (container.is_running) running.insert(container.id);
                listed_ids.insert(container.id);
                auto job = JobId::parse(job_text(container));
                if (job && is_ours(*job)) continue;
                (*self)->look_at(container, pass);
            }
            (*self)->forget_all_but(listed_ids);
            reply(std::move(running));
        });
}

/// A stranger that is listed stays reported; one that is gone would be news again.
void Reconciler::forget_all_but(const std::set<std::string>& listed) {
    std::erase_if(reported_, [&](const std::string& id) { return listed.count(id) == 0; });
}

void Reconciler::sweep(std::function<bool(JobId)> is_ours, EngineReply<std::int64_t> reply) {
    auto pass = std::make_shared<Pass>(self_, left_count_, std::move(reply));
    engine_.list(instance_label,
                 instance_,
                 [weak = std::weak_ptr(self_), pass, is_ours = std::move(is_ours)](
                     EngineResult<std::vector<ContainerSummary>> listed) {
                     auto self = weak.lock();
                     if (!self) return;
                     if (!listed) {
                         pass->failure = listed.error();
                         return;
                     }
                     pass->was_listed = true;
                     for (const ContainerSummary& container : *listed) {
                         auto job = JobId::parse(job_text(container));
                         if (!job || !is_ours(*job)) (*self)->look_at(container, pass);
                     }
                 });
}

void Reconciler::count_left_over(std::function<bool(JobId)> is_ours,
                                 EngineReply<std::int64_t> reply) {
    engine_.list(
        instance_label,
        instance_,
        [weak = std::weak_ptr(self_), is_ours = std::move(is_ours), reply = std::move(reply)](
            EngineResult<std::vector<ContainerSummary>> listed) mutable {
            auto self = weak.lock();
            if (!self) return;
            if (!listed) return reply(fail(listed.error()));
            std::int64_t count = 0;
            for (const ContainerSummary& container : *listed) {
                auto job = (*self)->job_of(container);
                if (job && has_ended(job->status) && !is_ours(job->id)) ++count;
            }
            reply(count);
        });
}

Result<Job> Reconciler::job_of(const ContainerSummary& container) const {
    std::string text = job_text(container);
    if (!JobId::parse(text)) return fail(ErrorCode::job_not_found, "");
    return store_.find(JobRef{text}, "");
}

void Reconciler::look_at(const ContainerSummary& container, const std::shared_ptr<Pass>& pass) {
    auto job = job_of(container);
    if (job && has_ended(job->status)) return clean_up(container, pass);
    if (job) return;  // claimed meanwhile, or by a run that is about to begin
    if (job.error().code != ErrorCode::job_not_found) return;
    if (reported_.insert(container.id).second)
        log_warning(
            "container_without_job",
            {{"container", container.id}, {"name", container.name}, {"job", job_text(container)}});
}

/// Its outcome is committed, so it may go; a start that the engine executed late is stopped first.
void Reconciler::clean_up(const ContainerSummary& container, const std::shared_ptr<Pass>& pass) {
    auto remove =
        [weak = std::weak_ptr(self_), pass, id = container.id](const EngineResult<Done>&) {
            auto self = weak.lock();
            if (!self) return;
            (*self)->engine_.remove(id, [weak, pass, id](EngineResult<Done> removed) {
                if (removed) {
                    ++pass->removed;
                    return;
                }
                pass->failure = removed.error();
                log_warning("container_not_removed",
                            {{"container", id}, {"error", removed.error().message}});
                if (auto alive = weak.lock()) (*alive)->container_left();
            });
        };
    ++pass->found;
    log_info("container_left_over", {{"container", container.id}, {"name", container.name}});
    if (container.is_running)
        engine_.stop(container.id, Duration(0), remove);
    else
        remove(Done{});
}

}  // namespace scheduler
