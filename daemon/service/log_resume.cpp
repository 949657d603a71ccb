#include "daemon/service/log_resume.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "daemon/base/failpoint.hpp"

namespace scheduler {

Result<LogPlace> LogPlace::parse(std::string_view text) {
    LogPlace place;
    const char* end = text.data() + text.size();
    auto [dot, at_error] = std::from_chars(text.data(), end, place.at_ns);
    if (at_error == std::errc() && dot != end && *dot == '.') {
        auto [rest, error] = std::from_chars(dot + 1, end, place.bytes);
        if (error == std::errc() && rest == end) return place;
    }
    return fail(ErrorCode::bad_field,
                fmt::format("after \"{}\" is no place; give the one of an item of `logs`",
                            text.substr(0, 64)));
}

std::string LogPlace::to_string() const {
    return fmt::format("{}.{}", at_ns, bytes);
}

void LogPlace::go_past(const SpoolRecord& record) {
    if (!record.stream) return;
    if (record.at_ns != at_ns) *this = LogPlace{record.at_ns, 0};
    bytes += record.bytes.size();
}

Result<bool> holds_place(SpoolReader& reader, const LogPlace& place) {
    for (;;) {
        auto record = reader.next();
        if (!record) return fail(record.error());
        if (!*record) return false;
        if ((*record)->stream && (*record)->at_ns == place.at_ns) return true;
    }
}

Result<std::optional<SpoolRecord>> ResumingReader::next() {
    for (;;) {
        if (held_) return std::exchange(held_, std::nullopt);
        auto record = reader_->next();
        if (!record || !*record || is_past_) return record;
        SpoolRecord& found = **record;
        if (!found.stream && !has_met_) {
            gap_ = std::move(found);
            continue;
        }
        if (found.stream) {
            drop_known(found);
            if (found.bytes.empty()) continue;
        }
        is_past_ = true;
        if (mutated("loses_piece_at_resume")) continue;
        // Where the place itself is missing, some of what the gap stands for was not told yet.
        if (gap_ && !has_met_) {
            held_ = std::move(found);
            return std::exchange(gap_, std::nullopt);
        }
        return record;
    }
}

void ResumingReader::drop_known(SpoolRecord& record) {
    std::uint64_t known = 0;
    if (record.at_ns == after_.at_ns) {
        has_met_ = true;
        known = std::min<std::uint64_t>(record.bytes.size(), after_.bytes - counted_);
        counted_ += known;
    } else if (!has_met_ && (is_held_ || record.at_ns < after_.at_ns)) {
        known = record.bytes.size();
    }
    if (known == 0) return;
    lines_.of(*record.stream) = record.bytes[known - 1] == '\n';
    record.bytes.erase(0, known);
}

}  // namespace scheduler
