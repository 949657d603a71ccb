#include "common/requests/status.hpp"

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/status_text.hpp"

namespace scheduler {
namespace {

class StatusCommand : public Command {
  public:
    void declare(OptionSet&) override {}

    int run(Context& context) override {
        auto answer = context.client.call(StatusRequest{});
        if (!answer) {
            context.console.report(answer.error());
            return exit_code_of(answer.error());
        }
        context.console.print(
            context.console.json()
                ? answer->json + '\n'
                : status_text(answer->value, context.console.out_terminal().colour));
        return answer->value.ready ? exit_done : exit_refused;
    }
};

}  // namespace

std::unique_ptr<Command> make_status() {
    return std::make_unique<StatusCommand>();
}

}  // namespace scheduler
