#include "common/requests/status.hpp"

#include "cli/commands.hpp"
#include "cli/one_call.hpp"
#include "cli/output/status_text.hpp"

namespace scheduler {
namespace {

class StatusCommand : public Command {
  public:
    void declare(OptionSet&) override {}

    int run(Context& context) override {
        auto text = [&](const StatusResponse& status) {
            return status_text(status, context.console.out_terminal().colour);
        };
        return call_and_print(context, StatusRequest{}, text, [](const StatusResponse& status) {
            return status.ready ? exit_done : exit_refused;
        });
    }
};

}  // namespace

std::unique_ptr<Command> make_status() {
    return std::make_unique<StatusCommand>();
}

}  // namespace scheduler
