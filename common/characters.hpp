#pragma once
/// Classes of ASCII characters; <cctype> asks the locale. Pure.

namespace scheduler {

constexpr bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace scheduler
