#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/job_text.hpp"
#include "cli/waiting.hpp"
#include "common/requests/status.hpp"
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
            auto ref = job_ref(ids_.front());
            if (!ref) {
                context.console.report(ref.error());
                return exit_refused;
            }
            request.job_id = *ref;
        }
        auto result = persist(context, [&]() -> CallResult<Done> {
            // Where it begins is fixed first: else what happens while a daemon is away before it
            // has told us of anything would be missed.
            if (!request.after_seq) {
                auto status = context.client.call(StatusRequest{});
                if (!status) return fail(std::move(status).error());
                request.after_seq = status->value.last_event;
            }
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
