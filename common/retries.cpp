#include "common/retries.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/words.hpp"

namespace scheduler {

std::string_view to_string(Backoff backoff) {
    switch (backoff) {
        case Backoff::fixed:
            return "fixed";
        case Backoff::exponential:
            return "exponential";
    }
    return "unknown";
}

Result<Backoff> parse_backoff(std::string_view word) {
    return parse_word(word, "backoff", backoffs);
}

bool Retries::covers(FinishStatus end) const {
    auto has = [end](const auto& ends) {
        return std::find(ends.begin(), ends.end(), end) != ends.end();
    };
    return on.empty() ? has(default_on) : has(on);
}

Duration Retries::first_wait() const {
    return delay ? delay->length : default_delay;
}

Duration Retries::longest_wait() const {
    return std::max(first_wait(), max_delay ? max_delay->length : default_max_delay);
}

std::optional<Duration> Retries::wait_after(std::int64_t attempt, FinishStatus end) const {
    if (attempt > max || !covers(end)) return std::nullopt;
    Duration wait = first_wait();
    if (backoff != Backoff::exponential) return wait;
    const Duration longest = longest_wait();
    for (std::int64_t i = 1; i < attempt && wait < longest; ++i)
        wait *= 2;
    return std::min(wait, longest);
}

std::string Retries::to_words() const {
    std::string text = fmt::format("{}, {} apart", max, to_string(first_wait()));
    if (backoff == Backoff::exponential)
        text += fmt::format(" and doubled up to {}", to_string(longest_wait()));
    if (!on.empty()) text += ", on " + words_of(on);
    return text;
}

Result<Done> check_retries(const Retries& retries) {
    auto bad_field = [](std::string message) {
        return fail(ErrorCode::bad_field, std::move(message));
    };
    if (retries.max < 0 || retries.max > Retries::max_max)
        return bad_field(
            fmt::format("retries.max {} is not from 0 to {}", retries.max, Retries::max_max));
    Duration delay = retries.first_wait();
    if (delay < Retries::delay_min)
        return bad_field(fmt::format("retries.delay {} is too short; it must be at least {}",
                                     to_string(delay),
                                     to_string(Retries::delay_min)));
    if (retries.max_delay && retries.backoff != Backoff::exponential)
        return bad_field(
            "retries.max_delay is for exponential waits; add backoff exponential, or "
            "leave it out");
    if (retries.max_delay && retries.max_delay->length < delay)
        return bad_field(fmt::format("retries.max_delay {} is shorter than the delay of {}",
                                     retries.max_delay->to_string(),
                                     to_string(delay)));
    for (FinishStatus status : retries.on)
        if (std::find(Retries::retriable.begin(), Retries::retriable.end(), status) ==
            Retries::retriable.end())
            return bad_field(fmt::format("retries.on \"{}\" can't be tried again; it takes {}",
                                         to_string(status),
                                         words_of(Retries::retriable)));
    return Done{};
}

}  // namespace scheduler
