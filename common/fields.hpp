#pragma once
/// How a request or response names its fields, once, for decoding, encoding, forms, OpenAPI and
/// help:
///
///     static void fields(auto& self, auto& visit) {
///         visit("job_id", self.job_id, "the job to take back");
///         visit.with_default("limit", self.limit, "jobs a page");
///     }
///
/// `std::optional`, containers, `bool` and what is visited `with_default` may be absent; all else
/// is required. What is visited `unless_empty` may be absent too, and is left out where it holds
/// its type's empty value: an id, a number or a moment that there is none of. A visitor is an
/// object with operator()(name, member, doc), with_default(same) and unless_empty(same). Members
/// may be: std::string, bool, integers, enums and classes with a text (TextTraits below),
/// optionals, vectors and string maps of those, and structs with `fields` of their own.

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/ids.hpp"
#include "common/job_state.hpp"
#include "common/result.hpp"

namespace scheduler {

struct NullVisitor {
    void operator()(std::string_view, auto&, std::string_view) {}
    void with_default(std::string_view, auto&, std::string_view) {}
    void unless_empty(std::string_view, auto&, std::string_view) {}
};
template <class T>
concept HasFields = requires(T& value, NullVisitor& visit) {
    T::fields(value, visit);
};

/// Types that are one string in JSON, forms and queries.
template <class T>
struct TextTraits {
    static constexpr bool is_text = false;
};
template <class T>
requires requires(const T& value, std::string_view text) {
    { T::parse(text) } -> std::same_as<Result<T>>;
    { value.to_string() } -> std::convertible_to<std::string>;
}
struct TextTraits<T> {
    static constexpr bool is_text = true;
    static Result<T> parse(std::string_view text) { return T::parse(text); }
    static std::string to_string(const T& value) { return std::string(value.to_string()); }
};
template <class Enum>
std::string word_text(Enum value) {
    return std::string(to_string(value));
}
/// Of an enumeration whose values are words.
template <class Enum, Result<Enum> (*parse_word)(std::string_view)>
struct WordTraits {
    static constexpr bool is_text = true;
    static Result<Enum> parse(std::string_view text) { return parse_word(text); }
    static std::string to_string(Enum value) { return word_text(value); }
};
template <>
struct TextTraits<JobStatus> : WordTraits<JobStatus, parse_job_status> {};
template <>
struct TextTraits<FinishStatus> : WordTraits<FinishStatus, parse_finish_status> {};
template <class T>
concept TextType = TextTraits<T>::is_text;

/// Text types that are a number in JSON.
template <class T>
concept NumberType = TextType<T> && requires {
    requires T::is_number;
};

template <class T>
concept IntegerType = std::integral<T> && !std::same_as<T, bool>;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
concept OptionalType = IsOptional<T>::value;

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
concept VectorType = IsVector<T>::value;

template <class T>
struct IsStringMap : std::false_type {};
template <class T>
struct IsStringMap<std::map<std::string, T>> : std::true_type {};
template <class T>
concept StringMapType = IsStringMap<T>::value;

template <class T>
inline constexpr bool may_be_absent =
    OptionalType<T> || VectorType<T> || StringMapType<T> || std::same_as<T, bool>;

/// A list of types, and a call for each of them.
template <class... Types>
struct TypeList {
    static void for_each(auto&& function) { (function.template operator()<Types>(), ...); }
};

struct FieldNames {
    std::vector<std::string_view> names;
    void operator()(std::string_view name, auto&, std::string_view) { names.push_back(name); }
    void with_default(std::string_view name, auto&, std::string_view) { names.push_back(name); }
    void unless_empty(std::string_view name, auto&, std::string_view) { names.push_back(name); }
};

/// The names of T's fields in the order of their declaration.
template <class T>
std::vector<std::string_view> field_names() {
    FieldNames collector;
    T value{};
    T::fields(value, collector);
    return collector.names;
}

}  // namespace scheduler
