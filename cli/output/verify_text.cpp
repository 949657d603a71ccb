#include "cli/output/verify_text.hpp"

#include <fmt/format.h>

#include "cli/output/colour.hpp"
#include "cli/output/text.hpp"

namespace scheduler {

std::string verify_text(const VerifyResponse& result, bool colour) {
    std::string text;
    for (const Finding& finding : result.findings)
        text += fmt::format("{:<14}{}\n", escape_text(finding.kind), escape_text(finding.message));
    if (result.left_out > 0)
        text += fmt::format(
            "{} more; --limit lists up to {}\n", result.left_out, VerifyRequest::limit_max);
    for (const std::string& why : result.not_checked)
        text += fmt::format("{:<14}{}\n", "not checked", escape_text(why));
    if (result.late_for_a_reason > 0)
        text += fmt::format("{} late for a reason that is recorded; `schedctl why ID` tells it\n",
                            result.late_for_a_reason);
    return text +
           paint(escape_text(result.message), result.well ? Colour::green : Colour::red, colour) +
           '\n';
}

}  // namespace scheduler
