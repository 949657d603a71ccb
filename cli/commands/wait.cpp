#include "common/requests/wait.hpp"

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/moment.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "cli/waiting.hpp"
#include "common/requests/show.hpp"

namespace scheduler {
namespace {

class WaitCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.value("--for", "TIME", for_, "give up after this long (30s, 10m) and exit 125");
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::unended_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        auto patience = span_option("--for", for_);
        if (!patience) {
            context.console.report(patience.error());
            return exit_refused;
        }
        if (*patience) context.client.set_deadline(Client::Clock::now() + (*patience)->length);
        InterruptWatch interrupt;
        context.client.set_interrupt(interrupt.fd());
        int exit_code = exit_done;
        for (const std::string& id : ids_) {
            auto [code, go_on] = wait_for_one(context, id);
            if (exit_code == exit_done) exit_code = code;
            if (!go_on) return code;
        }
        return exit_code;
    }

  private:
    struct Outcome {
        int exit_code;
        bool go_on;  ///< with the next job
    };

    Outcome wait_for_one(Context& context, const std::string& text) const {
        auto ref = JobRef::parse(text);
        if (!ref) {
            context.console.report(ref.error());
            return {exit_no_code, true};
        }
        // `last` must stay the same job for as long as we wait: it is resolved once.
        auto job = persist(context, [&] { return context.client.call(ShowRequest{*ref}); });
        auto ended = job ? wait_until_ended(context, job->value.id) : std::move(job);
        if (!ended) return explain(context, ended.error(), text);
        std::string line = context.console.json() ? ended->json : outcome_sentence(ended->value);
        context.console.print(line + '\n');
        return {exit_code_of(ended->value), true};
    }

    Outcome explain(Context& context, CallError error, const std::string& id) const {
        using Kind = CallError::Kind;
        if (error.kind == Kind::interrupted)
            error.error.message = fmt::format("stopped waiting; job {} goes on", escape_text(id));
        if (error.kind == Kind::too_late)
            error.error.message =
                fmt::format("gave up after {}; job {} goes on", *for_, escape_text(id));
        context.console.report(error);
        switch (error.kind) {
            case Kind::interrupted:
                return {exit_interrupted, false};
            case Kind::unreachable:
                return {exit_unreachable, false};
            case Kind::lost:
                return {exit_no_code, false};
            case Kind::too_late:
            case Kind::refused:
                break;
        }
        return {exit_no_code, true};
    }

    std::optional<std::string> for_;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_wait() {
    return std::make_unique<WaitCommand>();
}

}  // namespace scheduler
