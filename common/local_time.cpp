#include "common/local_time.hpp"

#include <cstdlib>
#include <ctime>
#include <optional>

#include <unistd.h>

#include <fmt/compile.h>

namespace scheduler {
namespace {

using namespace std::chrono;

struct LocalFields {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    bool operator==(const LocalFields&) const = default;
};

Failure<Error> bad_date(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_date,
        fmt::format("date \"{}\" {}; write it as 20-06-2027 20:00:00 in the daemon's zone, or as "
                    "2027-06-20T20:00:00+01:00",
                    text.substr(0, 64),
                    reason));
}

std::tm to_tm(std::time_t seconds_since_epoch) {
    std::tm fields{};
    ::localtime_r(&seconds_since_epoch, &fields);
    return fields;
}

LocalFields to_fields(std::time_t at) {
    std::tm tm = to_tm(at);
    return {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
}

/// The first instant that shows as `wanted`; nothing when a change of the zone's offset skips it.
/// mktime(3) takes tm_isdst as a hint, so both are asked, and the answer must show as what was
/// asked.
std::optional<std::time_t> first_instant(const LocalFields& wanted) {
    std::optional<std::time_t> first;
    for (int dst : {0, 1, -1}) {
        std::tm tm{};
        tm.tm_year = wanted.year - 1900;
        tm.tm_mon = wanted.month - 1;
        tm.tm_mday = wanted.day;
        tm.tm_hour = wanted.hour;
        tm.tm_min = wanted.minute;
        tm.tm_sec = wanted.second;
        tm.tm_isdst = dst;
        std::time_t candidate = std::mktime(&tm);
        // A zone may repeat times without a DST flag (a change of its standard offset): look
        // around.
        for (std::time_t shift : {-7200, -3600, -1800, 0}) {
            if (to_fields(candidate + shift) == wanted && (!first || candidate + shift < *first))
                first = candidate + shift;
        }
    }
    return first;
}

/// `text` against a pattern in which Y, M, D, h, m, s stand for one digit each and the rest for
/// itself.
std::optional<LocalFields> match(std::string_view text,
                                 std::string_view pattern,
                                 LocalFields fields) {
    if (text.size() != pattern.size()) return std::nullopt;
    for (char letter : {'Y', 'M', 'D', 'h', 'm', 's'}) {
        if (pattern.find(letter) == std::string_view::npos) continue;
        int& field = letter == 'Y'   ? fields.year
                     : letter == 'M' ? fields.month
                     : letter == 'D' ? fields.day
                     : letter == 'h' ? fields.hour
                     : letter == 'm' ? fields.minute
                                     : fields.second;
        field = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (pattern[i] != letter) continue;
            if (text[i] < '0' || text[i] > '9') return std::nullopt;
            field = field * 10 + (text[i] - '0');
        }
    }
    for (std::size_t i = 0; i < text.size(); ++i)
        if (std::string_view("YMDhms").find(pattern[i]) == std::string_view::npos &&
            pattern[i] != text[i])
            return std::nullopt;
    return fields;
}

bool has_day(const LocalFields& fields) {
    year_month_day date{year(fields.year),
                        month(static_cast<unsigned>(fields.month)),
                        day(static_cast<unsigned>(fields.day))};
    return date.ok();
}

bool has_time(const LocalFields& fields) {
    return fields.hour <= 23 && fields.minute <= 59 && fields.second <= 59;
}

bool is_possible(const LocalFields& fields) {
    return has_day(fields) && has_time(fields);
}

Result<TimePoint> resolve(std::string_view text, const LocalFields& fields) {
    if (!has_day(fields)) return bad_date(text, "names a day that does not exist");
    if (!has_time(fields)) return bad_date(text, "names a time that does not exist");
    auto at = first_instant(fields);
    if (!at)
        return bad_date(text,
                        fmt::format("does not exist in {}: the clock skips it at a change of time",
                                    zone_name(TimePoint{})));
    return TimePoint(seconds(*at));
}

LocalFields start_of_day(TimePoint now, int days_later) {
    LocalFields today = to_fields(duration_cast<seconds>(now.time_since_epoch()).count());
    auto day = sys_days(year_month_day{year(today.year),
                                       month(static_cast<unsigned>(today.month)),
                                       std::chrono::day(static_cast<unsigned>(today.day))}) +
               days(days_later);
    year_month_day date(day);
    return {static_cast<int>(date.year()),
            static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day()))};
}

/// `hh:mm` or `hh:mm:ss` on the day of `fields`.
std::optional<LocalFields> match_clock(std::string_view text, const LocalFields& fields) {
    if (auto minutes_only = match(text, "hh:mm", fields)) return minutes_only;
    return match(text, "hh:mm:ss", fields);
}

std::optional<std::string_view> after_word(std::string_view text, std::string_view word) {
    if (text.substr(0, word.size()) != word) return std::nullopt;
    return text.substr(word.size());
}

/// A local date and time whose day is said, be it by a word.
std::optional<LocalFields> match_day(std::string_view text, TimePoint now) {
    for (std::string_view pattern :
         {"DD-MM-YYYY hh:mm:ss", "YYYY-MM-DD hh:mm", "YYYY-MM-DD hh:mm:ss"})
        if (auto fields = match(text, pattern, {})) return fields;
    for (auto [word, days_later] :
         {std::pair{"yesterday ", -1}, std::pair{"today ", 0}, std::pair{"tomorrow ", 1}})
        if (auto clock = after_word(text, word))
            return match_clock(*clock, start_of_day(now, days_later));
    return std::nullopt;
}

}  // namespace

std::string to_local_date(TimePoint at) {
    LocalFields f = to_fields(floor<seconds>(at).time_since_epoch().count());
    return fmt::format(FMT_COMPILE("{:02}-{:02}-{:04} {:02}:{:02}:{:02}"),
                       f.day,
                       f.month,
                       f.year,
                       f.hour,
                       f.minute,
                       f.second);
}

Result<TimePoint> parse_local_date(std::string_view text) {
    auto fields = match(text, "DD-MM-YYYY hh:mm:ss", {});
    if (!fields) return bad_date(text, text.empty() ? "is empty" : "is not %d-%m-%Y %H:%M:%S");
    return resolve(text, *fields);
}

Result<TimePoint> parse_date(std::string_view text) {
    return looks_like_rfc3339(text) ? parse_rfc3339(text) : parse_local_date(text);
}

Result<TimePoint> parse_at(std::string_view text, TimePoint now) {
    if (looks_like_rfc3339(text)) return parse_rfc3339(text);
    if (auto fields = match_day(text, now)) return resolve(text, *fields);
    if (auto today = match_clock(text, start_of_day(now, 0))) {
        auto at = resolve(text, *today);
        if (at && *at > now) return at;
        return resolve(text, *match_clock(text, start_of_day(now, 1)));
    }
    return fail(
        ErrorCode::bad_date,
        fmt::format("\"{}\" is not a moment; write 20-06-2027 20:00:00, 2027-06-20 20:00, 20:00, "
                    "tomorrow 03:00 or 2027-06-20T20:00:00+01:00",
                    text.substr(0, 64)));
}

Result<TimePoint> parse_past(std::string_view text, TimePoint now, std::string_view field) {
    if (auto ago = parse_duration(text)) return now - *ago;
    if (auto today = match_clock(text, start_of_day(now, 0)); today && has_time(*today)) {
        auto at = resolve(text, *today);
        if (at && *at <= now) return at;
        return resolve(text, *match_clock(text, start_of_day(now, -1)));
    }
    if (is_moment(text)) return parse_at(text, now);
    return fail(ErrorCode::bad_date,
                fmt::format("{} \"{}\" is not a moment; write 20:00 (the last one), yesterday "
                            "20:00, 2027-06-20 20:00, 20-06-2027 20:00:00, "
                            "2027-06-20T20:00:00+01:00, or a time ago such as 10m",
                            field,
                            text.substr(0, 64)));
}

bool is_moment(std::string_view text) {
    if (looks_like_rfc3339(text)) return parse_rfc3339(text).has_value();
    auto fields = match_day(text, TimePoint{});
    if (!fields) fields = match_clock(text, start_of_day(TimePoint{}, 0));
    return fields && is_possible(*fields);
}

std::string zone_name(TimePoint at) {
    constexpr std::string_view folder = "/zoneinfo/";
    std::string name;
    if (const char* tz = std::getenv("TZ")) {  // NOLINT(concurrency-mt-unsafe): never set
        name = *tz == ':' ? tz + 1 : tz;
        if (name.empty()) return "UTC";  // as tzset(3) takes it
    } else {
        char target[256];
        auto length = ::readlink("/etc/localtime", target, sizeof target);
        if (length > 0) name.assign(target, static_cast<std::size_t>(length));
    }
    if (auto place = name.find(folder); place != std::string::npos)
        name.erase(0, place + folder.size());
    if (!name.empty() && name.front() != '/') return name;
    std::tm tm = to_tm(floor<seconds>(at).time_since_epoch().count());
    return tm.tm_zone != nullptr ? tm.tm_zone : "UTC";
}

}  // namespace scheduler
