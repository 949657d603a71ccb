#include "common/requests/verify.hpp"

namespace scheduler {

std::string_view to_string(FindingKind kind) {
    switch (kind) {
        case FindingKind::lost:
            return "lost";
        case FindingKind::doubled:
            return "doubled";
        case FindingKind::early:
            return "early";
        case FindingKind::late:
            return "late";
        case FindingKind::orphaned:
            return "orphaned";
        case FindingKind::inconsistent:
            break;
    }
    return "inconsistent";
}

}  // namespace scheduler
