#include "cli/output/relative_time.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

namespace scheduler {
namespace {

using std::chrono::seconds;

struct Unit {
    char letter;
    std::int64_t length;  ///< in seconds
};
constexpr std::array units{Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};

}  // namespace

std::string short_duration(Duration length) {
    std::int64_t left = std::chrono::round<seconds>(std::chrono::abs(length)).count();
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        std::int64_t whole = left / units[i].length;
        if (whole == 0) continue;
        std::int64_t rest = left % units[i].length / units[i + 1].length;
        if (rest == 0 || (units[i].letter == 'd' && whole >= 10))
            return fmt::format("{}{}", whole, units[i].letter);
        return fmt::format("{}{}{}{}", whole, units[i].letter, rest, units[i + 1].letter);
    }
    return fmt::format("{}s", left);
}

std::string relative_time(TimePoint at, TimePoint now) {
    Duration ahead = at - now;
    if (std::chrono::round<seconds>(ahead) == seconds(0)) return "now";
    return ahead > Duration(0) ? "in " + short_duration(ahead) : short_duration(ahead) + " ago";
}

}  // namespace scheduler
