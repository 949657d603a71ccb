#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "common/requests/kill.hpp"
#include "common/requests/remove.hpp"

namespace scheduler {
namespace {

class RmCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.flag("-f,--force", force_, "kill a job that is running, without a grace period");
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::unended_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        return for_each_job(context, ids_, [&](const JobRef& id) {
            auto answer = context.client.call(RemoveRequest{id});
            if (!answer && force_ && answer.error().is(ErrorCode::job_running)) {
                answer = context.client.call(KillRequest{id, true});
                // It failed meanwhile, and waits for its next attempt.
                if (!answer && answer.error().is(ErrorCode::job_not_running))
                    answer = context.client.call(RemoveRequest{id});
            }
            if (answer) print_confirmation(context, *answer);
            return answer;
        });
    }

  private:
    bool force_ = false;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_rm() {
    return std::make_unique<RmCommand>();
}

}  // namespace scheduler
