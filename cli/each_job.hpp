#pragma once
/// Commands that take several jobs (or other words) go on after a failure and exit 1 in the end;
/// one job's failure keeps its own exit code. Without a daemon there is no point in going on.

#include <string>
#include <utility>
#include <vector>

#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/text.hpp"
#include "common/ids.hpp"
#include "common/requests/message.hpp"

namespace scheduler {

/// What names a job on the line; hexadecimal digits in upper case mean the same. Errors: bad_field.
Result<JobRef> job_ref(std::string text);

/// Calls `act(word)`, which answers with a CallResult, for each word; reports each failure. The
/// exit code.
template <class Act>
int for_each_word(Context& context, const std::vector<std::string>& words, Act act) {
    int exit_code = exit_done;
    for (const std::string& word : words) {
        auto result = act(word);
        if (result) continue;
        context.console.report(result.error());
        if (result.error().kind != CallError::Kind::refused) return exit_code_of(result.error());
        exit_code = words.size() == 1 ? exit_code_of(result.error()) : exit_refused;
    }
    return exit_code;
}

/// The same for jobs: `act(JobRef)`.
template <class Act>
int for_each_job(Context& context, const std::vector<std::string>& ids, Act act) {
    return for_each_word(
        context, ids, [&](const std::string& text) -> decltype(act(std::declval<JobRef>())) {
            auto ref = job_ref(text);
            if (!ref) return fail(CallError{CallError::Kind::refused, ref.error(), ""});
            return act(*ref);
        });
}

/// The `message` of an answer, on standard output.
template <class Response>
void print_confirmation(Context& context, const Answer<Response>& answer) {
    context.console.print(
        (context.console.json() ? answer.json : escape_text(answer.value.message)) + '\n');
}

/// Asks for each name and prints `details(answer)`, with an empty line between two. The exit code.
template <class Request, class Details>
int show_each(Context& context, const std::vector<std::string>& names, Details details) {
    bool is_first = true;
    return for_each_word(context, names, [&](const std::string& name) {
        auto answer = context.client.call(Request{name});
        if (!answer) return answer;
        bool json = context.console.json();
        if (!std::exchange(is_first, false) && !json) context.console.print("\n");
        context.console.print(json ? answer->json + '\n' : details(answer->value));
        return answer;
    });
}

/// A command that does one thing to each scheduled job on its line, and prints what was confirmed.
template <class Request>
class ScheduledJobsCommand : public Command {
  public:
    void declare(OptionSet& options) override {
        options.words({.metavar = "ID",
                       .count_min = 1,
                       .count_max = OptionSet::any_number,
                       .completes = Completes::scheduled_job,
                       .target = &ids_});
    }

    int run(Context& context) override {
        return for_each_job(context, ids_, [&](const JobRef& id) {
            auto answer = context.client.call(Request{id});
            if (answer) print_confirmation(context, *answer);
            return answer;
        });
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace scheduler
