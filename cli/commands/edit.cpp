#include "common/requests/edit.hpp"

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/due_options.hpp"
#include "cli/each_job.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "cli/spec_options.hpp"

namespace scheduler {
namespace {

class EditCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("When");
        due_.declare_moment(options);
        due_.declare_past(options);
        spec_.declare(options);
        options.group("Instead of a value");
        options.list("--unset", "FIELD", unset_, "take a field away, by its name in JSON: env");
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = 1,
                       .completes = Completes::scheduled_job,
                       .target = &ids_});
        options.command_words(command_);
    }

    int run(Context& context) override {
        auto request = make_request(context);
        if (!request) {
            context.console.report(request.error());
            return exit_usage;
        }
        auto id = job_ref(ids_.front());
        if (!id) {
            context.console.report(id.error());
            return exit_refused;
        }
        request->job_id = *id;
        auto answer = context.client.call(*request);
        if (!answer) {
            CallError error = std::move(answer).error();
            due_.explain(error.error);
            context.console.report(error);
            return exit_code_of(error);
        }
        tell(context, *answer);
        return exit_done;
    }

  private:
    Result<EditRequest> make_request(Context& context) const {
        if (due_.count() > 1) return fail(ErrorCode::bad_request, "give only one of --in and --at");
        if (auto due = due_.check(); !due) return fail(due.error());
        auto spec = read_spec(spec_, command_, "job", context.console);
        if (!spec) return fail(spec.error());
        EditRequest request;
        due_.write(request);
        request.unset = unset_;
        request.spec = *std::move(spec);
        if (due_.count() == 0 && unset_.empty() && request.spec == JobSpec{})
            return fail(ErrorCode::bad_request,
                        "nothing is to be changed: give --in, --at, --unset or what is to run");
        return request;
    }

    static void tell(Context& context, const Answer<EditResponse>& answer) {
        Console& console = context.console;
        const EditResponse& edited = answer.value;
        console.print((console.json() ? answer.json : escape_text(edited.message)) + '\n');
        if (edited.warning) console.note("warning: " + escape_text(*edited.warning));
        if (!console.json())
            console.print_to_stderr(fmt::format("job {}, due {}\n",
                                                edited.job.number,
                                                due_text(edited.job, edited.zone, wall_now())));
    }

    DueOptions due_;
    SpecOptions spec_;
    std::vector<std::string> unset_;
    std::vector<std::string> ids_;
    std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Command> make_edit() {
    return std::make_unique<EditCommand>();
}

}  // namespace scheduler
