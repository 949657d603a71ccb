#include "common/requests/resume.hpp"

#include "cli/commands.hpp"
#include "cli/one_call.hpp"

namespace scheduler {
namespace {

class ResumeCommand : public Command {
  public:
    void declare(OptionSet&) override {}

    int run(Context& context) override { return call_and_confirm(context, ResumeRequest{}); }
};

}  // namespace

std::unique_ptr<Command> make_resume() {
    return std::make_unique<ResumeCommand>();
}

}  // namespace scheduler
