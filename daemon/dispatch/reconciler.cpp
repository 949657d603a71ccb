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
    Pass(Anchor<Reconciler>::Weak owner, std::int64_t left_before, EngineReply<std::int64_t> then)
        : reconciler(std::move(owner)), left_count(left_before), reply(std::move(then)) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
        if (auto* self = reconciler.get()) self->end_pass(*this);
    }

    Anchor<Reconciler>::Weak reconciler;
    std::int64_t left_count;  ///< of the reconciler, when the pass began
    EngineReply<std::int64_t> reply;
    bool was_listed = false;
    std::int64_t removed = 0;
    std::optional<EngineFailure> failure;
};

void Reconciler::end_pass(Pass& pass) {
    // A pass that saw less than all says nothing. What it could not remove was left anew.
    if (pass.was_listed) {
        was_listed_ = true;
        std::erase_if(left_over_, [&](const auto& left) { return left.second <= pass.left_count; });
    }
    if (!pass.reply) return;
    if (pass.failure) return pass.reply(fail(*pass.failure));
    pass.reply(pass.removed);
}

void Reconciler::container_left(JobId job) {
    left_over_[job] = ++left_count_;
    on_left_();
}

std::optional<std::vector<JobId>> Reconciler::left_over() const {
    if (!was_listed_ || left_over_.size() > left_over_max) return std::nullopt;
    std::vector<JobId> jobs;
    for (const auto& [job, count] : left_over_)
        jobs.push_back(job);
    return jobs;
}

void Reconciler::walk(IsOurs is_ours, Visit visit, EngineReply<Done> reply) {
    engine_.list(
        instance_label,
        instance_,
        [weak = anchor_.weak(),
         is_ours = std::move(is_ours),
         visit = std::move(visit),
         reply = std::move(reply)](EngineResult<std::vector<ContainerSummary>> listed) mutable {
            if (!weak.get()) return;
            if (!listed) return reply(fail(listed.error()));
            for (const ContainerSummary& container : *listed) {
                auto job = JobId::parse(job_text(container));
                visit(container, job && is_ours(*job, attempt_of(container.labels)));
            }
            reply(Done{});
        });
}

std::shared_ptr<Reconciler::Pass> Reconciler::begin_pass(EngineReply<std::int64_t> reply) {
    return std::make_shared<Pass>(anchor_.weak(), left_count_, std::move(reply));
}

void Reconciler::run(IsOurs is_ours, EngineReply<std::unordered_set<std::string>> reply) {
    struct Listed {
        std::unordered_set<std::string> running;
        std::set<std::string> all;
    };
    auto pass = begin_pass({});
    auto listed = std::make_shared<Listed>();
    auto visit = [this, pass, listed](const ContainerSummary& container, bool has_run) {
        if (container.is_running) listed->running.insert(container.id);
        listed->all.insert(container.id);
        if (!has_run) look_at(container, pass);
    };
    walk(std::move(is_ours),
         std::move(visit),
         [this, pass, listed, reply = std::move(reply)](EngineResult<Done> walked) mutable {
             if (!walked) return reply(fail(walked.error()));
             pass->was_listed = true;
             forget_all_but(listed->all);
             reply(std::move(listed->running));
         });
}

/// A stranger that is listed stays reported; one that is gone would be news again.
void Reconciler::forget_all_but(const std::set<std::string>& listed) {
    std::erase_if(reported_, [&](const std::string& id) { return listed.count(id) == 0; });
}

void Reconciler::sweep(IsOurs is_ours, EngineReply<std::int64_t> reply) {
    auto pass = begin_pass(std::move(reply));
    auto visit = [this, pass](const ContainerSummary& container, bool has_run) {
        if (!has_run) look_at(container, pass);
    };
    walk(std::move(is_ours), std::move(visit), [pass](EngineResult<Done> walked) {
        pass->was_listed = walked.has_value();
        if (!walked) pass->failure = walked.error();
    });
}

void Reconciler::count_left_over(IsOurs is_ours, EngineReply<std::int64_t> reply) {
    auto count = std::make_shared<std::int64_t>(0);
    auto visit = [this, count](const ContainerSummary& container, bool has_run) {
        auto job = job_of(container);
        bool is_over = job && has_attempt_ended(*job, attempt_of(container.labels));
        if (is_over && !has_run) ++*count;
    };
    walk(std::move(is_ours),
         std::move(visit),
         [count, reply = std::move(reply)](EngineResult<Done> walked) mutable {
             if (!walked) return reply(fail(walked.error()));
             reply(*count);
         });
}

Result<Job> Reconciler::job_of(const ContainerSummary& container) const {
    std::string text = job_text(container);
    if (!JobId::parse(text)) return fail(ErrorCode::job_not_found, "");
    return store_.find(JobRef{text}, "");
}

void Reconciler::look_at(const ContainerSummary& container, const std::shared_ptr<Pass>& pass) {
    auto job = job_of(container);
    if (job && has_attempt_ended(*job, attempt_of(container.labels)))
        return clean_up(container, job->id, pass);
    if (job) return;  // claimed meanwhile, or by a run that is about to begin
    if (job.error().code != ErrorCode::job_not_found) return;
    if (reported_.insert(container.id).second)
        log_warning(
            "container_without_job",
            {{"container", container.id}, {"name", container.name}, {"job", job_text(container)}});
}

/// Its outcome is committed, so it may go; a start that the engine executed late is stopped first.
void Reconciler::clean_up(const ContainerSummary& container,
                          JobId job,
                          const std::shared_ptr<Pass>& pass) {
    auto remove = [weak = anchor_.weak(), pass, job, id = container.id](const EngineResult<Done>&) {
        auto* self = weak.get();
        if (!self) return;
        self->engine_.remove(id, [weak, pass, job, id](EngineResult<Done> removed) {
            if (removed) {
                ++pass->removed;
                return;
            }
            pass->failure = removed.error();
            log_warning("container_not_removed",
                        {{"container", id}, {"error", removed.error().message}});
            if (auto* alive = weak.get()) alive->container_left(job);
        });
    };
    log_info("container_left_over", {{"container", container.id}, {"name", container.name}});
    if (container.is_running)
        engine_.stop(container.id, Duration(0), remove);
    else
        remove(Done{});
}

}  // namespace scheduler
