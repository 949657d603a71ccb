#include "cli/output/relative_time.hpp"

#include <chrono>

namespace scheduler {

std::string relative_time(TimePoint at, TimePoint now) {
    using std::chrono::seconds;
    Duration ahead = at - now;
    if (std::chrono::round<seconds>(ahead) == seconds(0)) return "now";
    return ahead > Duration(0) ? "in " + short_duration(ahead) : short_duration(ahead) + " ago";
}

}  // namespace scheduler
