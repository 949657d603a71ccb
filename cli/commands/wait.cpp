#include "common/requests/wait.hpp"

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
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
            return exit_usage;
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

    Outcome wait_for_one(Context& context, const std::string& text) {
        auto ref = job_ref(text);
        if (!ref) {
            context.console.report(ref.error());
            return {exit_no_code, true};
        }
        if (!is_late_) {
            auto outcome = wait_until_late(context, *ref);
            if (!is_late_) return outcome;
            context.client.set_deadline(std::nullopt);
        }
        // It may have ended meanwhile: asked once, without waiting.
        auto job = context.client.call(ShowRequest{*ref});
        if (!job) return explain(context, std::move(job).error(), text);
        if (has_ended(job->value.status)) return tell(context, *job);
        context.console.report(
            Error{ErrorCode::unavailable,
                  fmt::format("gave up after {}; job {} goes on", *for_, job->value.number)});
        return {exit_no_code, true};
    }

    /// Sets `is_late_` when the time of --for is over. `ref` then means one job for good.
    Outcome wait_until_late(Context& context, JobRef& ref) {
        auto job = persist(context, [&] { return context.client.call(ShowRequest{ref}); });
        std::string name = job ? std::to_string(job->value.number) : ref.text;
        // `last` must stay the same job for as long as we wait: it is resolved once.
        if (job) ref = JobRef{job->value.id.to_string()};
        auto ended = job ? wait_until_ended(context, job->value.id) : std::move(job);
        if (ended) return tell(context, *ended);
        is_late_ = ended.error().kind == CallError::Kind::too_late;
        return is_late_ ? Outcome{exit_no_code, true}
                        : explain(context, std::move(ended).error(), name);
    }

    static Outcome tell(Context& context, const Answer<Job>& ended) {
        std::string line = context.console.json() ? ended.json : outcome_sentence(ended.value);
        context.console.print(line + '\n');
        return {exit_code_of(ended.value), true};
    }

    /// `name`: the job's number once it is known.
    static Outcome explain(Context& context, CallError error, const std::string& name) {
        using Kind = CallError::Kind;
        if (error.kind == Kind::interrupted)
            error.error.message = fmt::format("stopped waiting; job {} goes on", escape_text(name));
        if (error.kind == Kind::lost) error.error.message += how_to_go_on(name);
        context.console.report(error);
        switch (error.kind) {
            case Kind::interrupted:
                return {exit_interrupted, false};
            case Kind::unreachable:
            case Kind::silent:
                return {exit_unreachable, false};
            case Kind::lost:
                return {exit_no_code, false};
            case Kind::too_late:
            case Kind::refused:
                break;
        }
        return {exit_no_code, true};
    }

    bool is_late_ = false;  ///< the time of --for is over
    std::optional<std::string> for_;
    std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> make_wait() {
    return std::make_unique<WaitCommand>();
}

}  // namespace scheduler
