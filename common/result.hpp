#pragma once
/// Result<T>: a value or an Error. The names are those of std::expected (C++23), so that an alias
/// and `fail` can replace this file one day. Return `value;` or `fail(code, message);`.

#include <cassert>
#include <string>
#include <utility>
#include <variant>

#include "common/error.hpp"

namespace scheduler {

/// What `fail` returns; converts to any Result<T, E>.
template <class E>
struct Failure {
    E error;
};

inline Failure<Error> fail(ErrorCode code, std::string message) {
    return {Error{code, std::move(message)}};
}
template <class E>
Failure<E> fail(E error) {
    return {std::move(error)};
}

template <class T, class E = Error>
class [[nodiscard]] Result {
  public:
    using value_type = T;
    using error_type = E;

    Result(T value)
        : content_(std::in_place_index<0>, std::move(value)) {
    }                           // NOLINT(google-explicit-constructor)
    Result(Failure<E> failure)  // NOLINT(google-explicit-constructor)
        : content_(std::in_place_index<1>, std::move(failure.error)) {}

    [[nodiscard]] bool has_value() const { return content_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return std::get<0>(content_); }
    const T& value() const& { return std::get<0>(content_); }
    T&& value() && { return std::get<0>(std::move(content_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    E& error() & { return std::get<1>(content_); }
    const E& error() const& { return std::get<1>(content_); }
    E&& error() && { return std::get<1>(std::move(content_)); }

  private:
    std::variant<T, E> content_;
};

/// Success without a value: `Result<Done>`, `return Done{};`.
struct Done {};

}  // namespace scheduler
