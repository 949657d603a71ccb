#include "common/requests/kill.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/interrupt.hpp"
#include "cli/waiting.hpp"
#include "common/requests/show.hpp"

namespace scheduler {
namespace {

class KillCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.flag("--now", now_, "without a grace period");
        options.flag("--wait", wait_, "return when the job has ended");
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::running_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        return for_each_job(context, ids_, [&](const JobRef& id) -> CallResult<Done> {
            // `last` must mean the same job for the waiting: it is resolved once.
            auto job = context.client.call(ShowRequest{id});
            if (!job) return fail(std::move(job).error());
            JobId job_id = job->value.id;
            auto answer = context.client.call(KillRequest{JobRef{job_id.to_string()}, now_});
            if (!answer) return fail(std::move(answer).error());
            print_confirmation(context, *answer);
            return wait_ ? wait(context, job_id) : Done{};
        });
    }

  private:
    static CallResult<Done> wait(Context& context, JobId id) {
        InterruptWatch interrupt;
        context.client.set_interrupt(interrupt.fd());
        auto ended = wait_until_ended(context, id);
        context.client.set_interrupt(-1);
        if (ended) return Done{};
        if (ended.error().kind == CallError::Kind::interrupted)
            ended.error().error.message = "stopped waiting; the job is still being stopped";
        return fail(std::move(ended).error());
    }

    bool now_ = false;
    bool wait_ = false;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_kill() {
    return std::make_unique<KillCommand>();
}

}  // namespace scheduler
