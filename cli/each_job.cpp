#include "cli/each_job.hpp"

#include "cli/output/text.hpp"

namespace scheduler {

void print_confirmation(Context& context, const Answer<MessageResponse>& answer) {
    context.console.print(
        (context.console.json() ? answer.json : escape_text(answer.value.message)) + '\n');
}

}  // namespace scheduler
