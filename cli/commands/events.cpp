#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/job_text.hpp"
#include "cli/waiting.hpp"
#include "common/requests/subscribe.hpp"

namespace scheduler {
namespace {

class EventsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "ID",
                       .count_min = 0,
                       .count_max = 1,
                       .completes = Completes::any_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        SubscribeRequest request;
        if (!ids_.empty()) {
            auto ref = JobRef::parse(ids_.front());
            if (!ref) {
                context.console.report(ref.error());
                return exit_refused;
            }
            request.job_id = *ref;
        }
        auto result = persist(context, [&] {
            return context.client.stream(
                request, [&](const JobEvent& event, std::string_view json) {
                    request.after_seq = event.seq;  // where a new connection goes on
                    context.console.print(context.console.json() ? std::string(json) + '\n'
                                                                 : event_line(event));
                    return context.console.is_ok();
                });
        });
        if (result) return exit_done;
        context.console.report(result.error());
        return exit_code_of(result.error());
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_events() {
    return std::make_unique<EventsCommand>();
}

}  // namespace scheduler
