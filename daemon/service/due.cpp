#include "daemon/service/due.hpp"

#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/local_time.hpp"

namespace scheduler {

Result<Due> read_due(const std::optional<std::string>& time,
                     const std::optional<std::string>& date,
                     const std::optional<std::string>& at,
                     TimePoint now) {
    std::vector<std::string_view> given;
    if (time) given.push_back("time");
    if (date) given.push_back("date");
    if (at) given.push_back("at");
    if (given.empty())
        return fail(
            ErrorCode::bad_field,
            "time or date is missing; give one, such as time=2m or date=20-06-2027 20:00:00");
    if (given.size() > 1)
        return fail(ErrorCode::bad_field,
                    fmt::format("{} are {} given; give exactly one of them",
                                fmt::join(given, " and "),
                                given.size() == 2 ? "both" : "all"));
    if (time) {
        auto length = parse_duration(*time);
        if (!length) return fail(length.error());
        return Due{now + *length, *time};
    }
    auto moment = date ? parse_date(*date) : parse_at(*at, now);
    if (!moment) return fail(moment.error());
    bool is_absolute = date || parse_date(*at).has_value();
    return Due{*moment, !is_absolute ? "" : date ? *date : *at};
}

}  // namespace scheduler
