#include "cli/each_job.hpp"

#include <algorithm>

#include "cli/output/text.hpp"

namespace scheduler {

Result<JobRef> job_ref(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    auto ref = JobRef::parse(text);
    if (!ref) return fail(ref.error().code, escape_text(ref.error().message));
    return ref;
}

}  // namespace scheduler
