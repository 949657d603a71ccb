#include "common/requests/resume.hpp"

#include "cli/commands.hpp"
#include "cli/each_job.hpp"

namespace scheduler {
namespace {

class ResumeCommand : public Command {
  public:
    void declare(OptionSet&) override {}

    int run(Context& context) override {
        auto answer = context.client.call(ResumeRequest{});
        if (!answer) {
            context.console.report(answer.error());
            return exit_code_of(answer.error());
        }
        print_confirmation(context, *answer);
        return exit_done;
    }
};

}  // namespace

std::unique_ptr<Command> make_resume() {
    return std::make_unique<ResumeCommand>();
}

}  // namespace scheduler
