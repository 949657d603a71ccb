#include "common/requests/pause.hpp"

#include "cli/commands.hpp"
#include "cli/moment.hpp"
#include "cli/one_call.hpp"

namespace scheduler {
namespace {

class PauseCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.value("--for", "TIME", for_, "resume by itself after this long: 30m, 2h");
    }

    int run(Context& context) override {
        auto span = pause_option(for_, "schedctl resume");
        if (!span) {
            context.console.report(span.error());
            return exit_usage;
        }
        return call_and_confirm(context, PauseRequest{*span});
    }

  private:
    std::optional<std::string> for_;
};

}  // namespace

std::unique_ptr<Command> make_pause() {
    return std::make_unique<PauseCommand>();
}

}  // namespace scheduler
