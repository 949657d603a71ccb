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

Result<PastDate> check_past(const Due& due,
                            const std::optional<std::string>& past_date,
                            TimePoint now,
                            bool refuse_by_default) {
    if (past_date && *past_date != "run" && *past_date != "refuse")
        return fail(
            ErrorCode::bad_field,
            fmt::format("past_date \"{}\" is not one of run, refuse", past_date->substr(0, 64)));
    PastDate past;
    if (due.at >= now) return past;
    std::string when = due.when.empty() ? to_local_date(due.at) : due.when;
    past.warning = fmt::format("{} is in the past, so the job is due at once", when);
    if (past_date ? *past_date == "refuse" : refuse_by_default)
        past.refusal = Error{
            ErrorCode::bad_date,
            fmt::format("date \"{}\" is in the past; give a later one, or allow it to run at once",
                        when)};
    return past;
}

}  // namespace scheduler
