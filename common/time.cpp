#include "common/time.hpp"

#include <array>
#include <cctype>
#include <charconv>

#include <fmt/compile.h>

namespace scheduler {
namespace {

using namespace std::chrono;

struct Unit {
    char letter;
    Duration length;
};
constexpr std::array units{
    Unit{'s', seconds(1)}, Unit{'m', minutes(1)}, Unit{'h', hours(1)}, Unit{'d', hours(24)}};

Failure<Error> bad_time(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_time,
        fmt::format(
            "time \"{}\" {}; write a whole number and one unit (s, m, h or d), such as 30s, 2m, "
            "1h or 4d",
            text.substr(0, 64),
            reason));
}

Failure<Error> bad_date(std::string_view text, std::string_view reason) {
    return fail(
        ErrorCode::bad_date,
        fmt::format(
            "date \"{}\" {}; write RFC 3339 with an offset, such as 2027-06-20T20:00:00+01:00",
            text.substr(0, 64),
            reason));
}

/// `count` decimal digits at the front of `text`, which is advanced; -1 when there are fewer.
int take_digits(std::string_view& text, std::size_t count) {
    int value = 0;
    if (text.size() < count) return -1;
    for (std::size_t i = 0; i < count; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

/// The digits after the point, cut to milliseconds; -1 when there is none or there are more than
/// nine.
int take_fraction(std::string_view& text) {
    int ms = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        if (digits < 3) ms = ms * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits == 0 || digits > 9) return -1;
    for (std::size_t i = digits; i < 3; ++i)
        ms *= 10;
    text.remove_prefix(digits);
    return ms;
}

/// `Z` or `±hh:mm`, to the end of the text.
std::optional<minutes> take_offset(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z'))
        return text.empty() ? std::optional(minutes(0)) : std::nullopt;
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    bool east = text.front() == '+';
    text.remove_prefix(1);
    int hour = take_digits(text, 2);
    bool colon = take(text, ':');
    int minute = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !colon || minute < 0 || minute > 59 || !text.empty())
        return std::nullopt;
    minutes offset = hours(hour) + minutes(minute);
    return east ? offset : -offset;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    if (text.empty()) return bad_time(text, "is empty");
    std::uint64_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error == std::errc::invalid_argument)
        return bad_time(text, "does not begin with a whole number");
    if (rest.size() != 1)
        return bad_time(text, rest.empty() ? "has no unit" : "is not a number and one unit");
    char letter = static_cast<char>(std::tolower(static_cast<unsigned char>(rest.front())));
    for (const Unit& unit : units) {
        if (unit.letter != letter) continue;
        if (error == std::errc::result_out_of_range ||
            count > static_cast<std::uint64_t>(duration_max / unit.length))
            return bad_time(text, "is more than 100 years");
        return unit.length * static_cast<std::int64_t>(count);
    }
    return bad_time(text, "has an unknown unit");
}

std::string to_string(Duration duration) {
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit)
        if (duration.count() != 0 && duration % unit->length == Duration(0))
            return fmt::format("{}{}", duration / unit->length, unit->letter);
    return fmt::format("{}s", duration_cast<seconds>(duration).count());
}

std::string short_duration(Duration length) {
    auto left = round<seconds>(abs(length));
    // From days down; the last unit stands alone.
    for (auto unit = units.rbegin(); unit + 1 != units.rend(); ++unit) {
        auto whole = left / unit->length;
        if (whole == 0) continue;
        auto next = unit + 1;
        auto rest = left % unit->length / next->length;
        if (rest == 0 || (unit->letter == 'd' && whole >= 10))
            return fmt::format("{}{}", whole, unit->letter);
        return fmt::format("{}{}{}{}", whole, unit->letter, rest, next->letter);
    }
    return fmt::format("{}s", left.count());
}

Result<Span> Span::parse(std::string_view text) {
    auto length = parse_duration(text);
    if (!length) return fail(length.error());
    return Span{*length};
}

std::string to_rfc3339(TimePoint at) {
    auto day = floor<days>(at);
    year_month_day date(day);
    hh_mm_ss time(at - day);
    return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z"),
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()),
                       time.hours().count(),
                       time.minutes().count(),
                       time.seconds().count(),
                       time.subseconds().count());
}

bool looks_like_rfc3339(std::string_view text) {
    return text.size() > 10 && text[4] == '-' && text[7] == '-' &&
           (text[10] == 'T' || text[10] == 't');
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
    std::string_view rest = text;
    int year_number = take_digits(rest, 4);
    bool form = take(rest, '-');
    int month_number = take_digits(rest, 2);
    form = form && take(rest, '-');
    int day_number = take_digits(rest, 2);
    form = form && (take(rest, 'T') || take(rest, 't'));
    int hour = take_digits(rest, 2);
    form = form && take(rest, ':');
    int minute = take_digits(rest, 2);
    form = form && take(rest, ':');
    int second = take_digits(rest, 2);
    if (!form || year_number < 0 || month_number < 0 || day_number < 0 || hour < 0 || minute < 0 ||
        second < 0)
        return bad_date(text, "is not RFC 3339");
    int ms = 0;
    if (take(rest, '.')) ms = take_fraction(rest);
    if (ms < 0) return bad_date(text, "has a fraction that is not 1 to 9 digits");
    year_month_day date{year(year_number),
                        month(static_cast<unsigned>(month_number)),
                        day(static_cast<unsigned>(day_number))};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59)
        return bad_date(text, "does not exist");
    if (rest.empty()) return bad_date(text, "has no offset");
    auto offset = take_offset(rest);
    if (!offset) return bad_date(text, "does not end with an offset (Z or ±hh:mm)");
    return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + milliseconds(ms) -
           *offset;
}

Result<Instant> Instant::parse(std::string_view text) {
    auto at = parse_rfc3339(text);
    if (!at) return fail(at.error());
    return Instant{*at};
}

}  // namespace scheduler
