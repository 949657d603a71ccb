#pragma once
#include <string>

namespace scheduler {

/// The answer of operations that only confirm: one sentence.
struct MessageResponse {
    std::string message;
    static void fields(auto& self, auto& visit) {
        visit("message", self.message, "one sentence for a person");
    }
};

}  // namespace scheduler
