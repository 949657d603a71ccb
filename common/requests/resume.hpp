#pragma once
#include "common/requests/message.hpp"

namespace scheduler {

/// Starts due jobs again. Never fails because nothing was paused.
struct ResumeRequest {
    using Response = MessageResponse;
    static constexpr std::string_view method = "resume";
    static void fields(auto&, auto&) {}
};

}  // namespace scheduler
