#pragma once
#include "common/fields.hpp"
#include "common/requests/message.hpp"
#include "common/time.hpp"

namespace scheduler {

/// Starts nothing until `resume` (or for a while); running jobs go on, submits are taken. Survives
/// restarts. Errors: bad_time.
struct PauseRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "pause";
    std::optional<Span> for_time;
    static void fields(auto& self, auto& visit) {
        visit("for", self.for_time, "resume by itself after this long");
    }
};

}  // namespace scheduler
