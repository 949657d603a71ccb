#include "common/requests/edit.hpp"

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/each_job.hpp"
#include "cli/moment.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "cli/spec_options.hpp"

namespace scheduler {
namespace {

class EditCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.group("When");
        options.value("--in", "TIME", in_, "due this long from now: 30s, 2m, 1h, 4d");
        options.value(
            "--at", "MOMENT", at_, "due then: 20:00, \"tomorrow 03:00\", \"2027-06-20 20:00\"");
        options.value("--past",
                      "WHAT",
                      past_,
                      "a past --at: refuse (the default) or run, at once",
                      Completes::past_date);
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
            explain_past(error.error, past_);
            context.console.report(error);
            return exit_code_of(error);
        }
        tell(context, *answer);
        return exit_done;
    }

  private:
    Result<EditRequest> make_request(Context& context) const {
        if (in_ && at_) return fail(ErrorCode::bad_request, "give only one of --in and --at");
        if (auto at = check_at(at_); !at) return fail(at.error());
        if (auto in = span_option("--in", in_); !in) return fail(in.error());
        if (auto past = check_past_option(past_, at_); !past) return fail(past.error());
        std::vector<std::string> unset_variables;
        auto spec = spec_.read(unset_variables);
        if (!spec) return fail(spec.error());
        for (const std::string& name : unset_variables)
            context.console.note(fmt::format(
                "warning: {} is not set here, so the job does not get it", escape_text(name)));
        EditRequest request;
        request.time = in_;
        request.at = at_;
        if (at_) request.past_date = past_.value_or("refuse");
        request.unset = unset_;
        request.spec = *std::move(spec);
        request.spec.command = command_;
        if (!in_ && !at_ && unset_.empty() && request.spec == JobSpec{})
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

    std::optional<std::string> in_;
    std::optional<std::string> at_;
    std::optional<std::string> past_;
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
