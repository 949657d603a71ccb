#pragma once
/// A command that is one call: asks, prints the answer or reports the error, and exits.

#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/text.hpp"

namespace scheduler {

/// Prints the answer as it came under `--json`, else what `text` makes of it, with its newline.
/// Then `exit_code(answer)` says how it ended. The exit code.
template <class Request, class Text, class Exit>
int call_and_print(Context& context, const Request& request, Text text, Exit exit_code) {
    auto answer = context.client.call(request);
    if (!answer) {
        context.console.report(answer.error());
        return exit_code_of(answer.error());
    }
    context.console.print(context.console.json() ? answer->json + '\n' : text(answer->value));
    return exit_code(answer->value);
}

/// The same for an answer with a `message`, which is all that is printed.
template <class Request, class Exit>
int call_and_confirm(Context& context, const Request& request, Exit exit_code) {
    auto text = [](const auto& answer) { return escape_text(answer.message) + '\n'; };
    return call_and_print(context, request, text, exit_code);
}
template <class Request>
int call_and_confirm(Context& context, const Request& request) {
    return call_and_confirm(context, request, [](const auto&) { return exit_done; });
}

}  // namespace scheduler
