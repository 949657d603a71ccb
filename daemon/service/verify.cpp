/// verify: whether every promise was kept, checked while the daemon works.

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/service/limit_of.hpp"
#include "daemon/service/service_parts.hpp"
#include "daemon/service/verification.hpp"

namespace scheduler {
namespace {

Result<Verification::Options> options_of(const VerifyRequest& request, TimePoint now) {
    Verification::Options options;
    auto limit = limit_of(request);
    if (!limit) return fail(limit.error());
    options.findings_listed = *limit;
    options.late = request.late ? request.late->length : VerifyRequest::late_default;
    if (options.late < VerifyRequest::late_min)
        return fail(ErrorCode::bad_field,
                    fmt::format("late must be {} or more, not {}: of less no reason is recorded",
                                to_string(VerifyRequest::late_min),
                                to_string(options.late)));
    if (request.since) {
        auto since = parse_past(*request.since, now, "since");
        if (!since) return fail(since.error());
        options.since = *since;
    }
    return options;
}

}  // namespace

WaitToken Service::handle(const VerifyRequest& request,
                          const Caller&,
                          Reply<VerifyResponse> reply) {
    auto refuse = [&](const Error& error) -> WaitToken {
        reply(fail(error));
        return nullptr;
    };
    auto options = options_of(request, parts_->clock.now());
    if (!options) return refuse(options.error());
    if (++*parts_->verifications > VerifyRequest::at_once_max) {
        --*parts_->verifications;
        return refuse({ErrorCode::busy,
                       fmt::format("{} verifications are under way, and no more run at once; ask "
                                   "again when one has ended",
                                   VerifyRequest::at_once_max)});
    }
    return Verification::start({parts_->store,
                                parts_->spool,
                                parts_->dispatcher,
                                parts_->clock,
                                parts_->timers,
                                parts_->verifications},
                               *options,
                               std::move(reply));
}

}  // namespace scheduler
