#pragma once
/// The visitors behind json.hpp and rpc.hpp. Included by json.cpp and rpc.cpp only: nobody else
/// pays for nlohmann's header.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.hpp"
#include "common/job_spec.hpp"
#include "common/json.hpp"

namespace scheduler {

/// Keeps the order of keys, since people read these answers.
using Json = nlohmann::ordered_json;

struct JsonDocument::Value {
    Json json;
};

namespace codec {

inline Failure<Error> bad_field(std::string message) {
    return fail(ErrorCode::bad_field, std::move(message));
}

inline Failure<Error> wrong_type(const std::string& path,
                                 std::string_view wanted,
                                 const Json& got) {
    return bad_field(fmt::format("{} must be {}, not {}", path, wanted, got.type_name()));
}

/// Names the field that a value's own error is about: `time "x" is …` becomes `timeout "x" is …`.
inline Failure<Error> at_field(const std::string& path, const Error& error) {
    const std::string& message = error.message;
    auto quote = message.find(" \"");
    bool begins_with_noun = quote != std::string::npos && message.find_first_of(" :\"") == quote;
    return fail(error.code,
                begins_with_noun ? path + message.substr(quote) : path + ": " + message);
}

/// Words of a program: a whole command line in one of them is a mistake that users make.
inline bool is_word_list(std::string_view name) {
    return name == "command" || name == "entrypoint";
}

/// What a text type wants in JSON: `a string such as "512MiB"`.
template <class T>
std::string wanted_text() {
    if constexpr (NumberType<T>)
        return fmt::format("a number such as {}", T::example);
    else if constexpr (requires { T::example; })
        return fmt::format("a string such as \"{}\"", T::example);
    else
        return "a string";
}

/// The error for a name that is no field of T.
template <class T>
Failure<Error> unknown_field(const std::string& path) {
    if (is_future_spec_field(path))
        return fail(
            ErrorCode::unknown_field,
            fmt::format("{} is not supported by this version; leave it out", path.substr(0, 64)));
    auto names = field_names<T>();
    return fail(ErrorCode::unknown_field,
                fmt::format("\"{}\" is not a known field; known are {}",
                            path.substr(0, 64),
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

// ---- decoding from JSON ----

/// Requests are read strictly, with all that they hold, so that a typo never drops a limit. Answers
/// are not: a newer daemon may say more than this program knows.
enum class Strictness : bool { answer, request };

template <class T>
Result<Done> read_value(const Json& json, T& value, const std::string& path, Strictness strictness);

/// Reads one object's fields, and stops at the first error.
class JsonReader {
  public:
    JsonReader(const Json& object, std::string path, Strictness strictness)
        : object_(object),
          unread_(object.size()),
          path_(std::move(path)),
          strictness_(strictness) {}

    template <class T>
    void operator()(std::string_view name, T& member, std::string_view) {
        read(name, member, may_be_absent<T>);
    }
    template <class T>
    void with_default(std::string_view name, T& member, std::string_view) {
        read(name, member, true);
    }
    template <class T>
    void unless_empty(std::string_view name, T& member, std::string_view) {
        read(name, member, true);
    }
    Result<Done> finish() {
        if (error_) return fail(std::move(*error_));
        return Done{};
    }

  private:
    template <class T>
    void read(std::string_view name, T& member, bool optional) {
        if (error_) return;
        // Once all members are read, the fields that are left need no look.
        auto found = unread_ > 0 ? object_.find(name) : object_.end();
        if (found == object_.end() && optional) return;  // as most are
        std::string path = path_ + std::string(name);
        if (found == object_.end()) {
            error_ = bad_field(fmt::format("{} is missing", path)).error;
            return;
        }
        --unread_;
        if (auto result = read_value(*found, member, path, strictness_); !result)
            error_ = std::move(result).error();
    }

    const Json& object_;
    std::size_t unread_;  ///< no member is there twice, and no field
    std::string path_;
    Strictness strictness_;
    std::optional<Error> error_;
};

template <HasFields T>
Result<Done> read_object(const Json& json,
                         T& value,
                         const std::string& path,
                         Strictness strictness = Strictness::answer) {
    std::string prefix = path.empty() ? "" : path + '.';
    if (!json.is_object())
        return wrong_type(path.empty() ? "the request" : path, "an object", json);
    if constexpr (requires { T::method; }) strictness = Strictness::request;
    if (strictness == Strictness::request) {
        static const auto names = field_names<T>();
        for (const auto& item : json.items())
            if (std::find(names.begin(), names.end(), item.key()) == names.end())
                return unknown_field<T>(prefix + item.key());
    }
    JsonReader reader(json, prefix, strictness);
    T::fields(value, reader);
    return reader.finish();
}

template <class T>
Result<Done> read_value(const Json& json,
                        T& value,
                        const std::string& path,
                        Strictness strictness) {
    if constexpr (OptionalType<T>) {
        return read_value(json, value.emplace(), path, strictness);
    } else if constexpr (std::same_as<T, std::string>) {
        if (!json.is_string()) return wrong_type(path, "a string", json);
        value = json.get_ref<const std::string&>();
    } else if constexpr (std::same_as<T, bool>) {
        if (!json.is_boolean()) return wrong_type(path, "true or false", json);
        value = json.get<bool>();
    } else if constexpr (IntegerType<T>) {
        constexpr double beyond_all =
            9223372036854775808.0;  // 2^63; such numbers are read as float
        if (json.is_number_float() && std::abs(json.get<double>()) >= beyond_all)
            return bad_field(fmt::format("{} is too large", path));
        if (json.is_number_float())
            return bad_field(
                fmt::format("{} must be a whole number, written without fraction or "
                            "exponent, not {}",
                            path,
                            json.dump()));
        if (!json.is_number_integer()) return wrong_type(path, "a whole number", json);
        if (json.is_number_unsigned() &&
            json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
            return bad_field(fmt::format("{} is too large", path));
        value = json.get<T>();
    } else if constexpr (TextType<T>) {
        bool is_number = NumberType<T> && json.is_number();
        if (!json.is_string() && !is_number) return wrong_type(path, wanted_text<T>(), json);
        // The shortest text of a number is the one that was sent, if that had 15 digits or fewer.
        auto parsed =
            TextTraits<T>::parse(is_number ? json.dump() : json.get_ref<const std::string&>());
        if (!parsed) return at_field(path, parsed.error());
        value = std::move(*parsed);
    } else if constexpr (VectorType<T>) {
        if (json.is_string() && is_word_list(path))
            return bad_field(path +
                             " must be an array with one word an element, such as "
                             "[\"sh\",\"-c\",\"echo hi\"], not one string");
        if (!json.is_array()) return wrong_type(path, "an array", json);
        for (const Json& element : json) {
            auto& added = value.emplace_back();
            auto result = read_value(
                element, added, fmt::format("{}[{}]", path, value.size() - 1), strictness);
            if (!result) return result;
        }
    } else if constexpr (StringMapType<T>) {
        if (!json.is_object()) return wrong_type(path, "an object of strings", json);
        for (const auto& item : json.items()) {
            auto result =
                read_value(item.value(), value[item.key()], path + '.' + item.key(), strictness);
            if (!result) return result;
        }
    } else {
        return read_object(json, value, path, strictness);
    }
    return Done{};
}

// ---- encoding to JSON text ----

void append_string(std::string& out, std::string_view text);

template <class T>
void append_value(std::string& out, const T& value);

class JsonWriter {
  public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    template <class T>
    void operator()(std::string_view name, const T& member, std::string_view doc) {
        if constexpr (OptionalType<T>) {
            if (member) with_default(name, *member, doc);
        } else if constexpr (std::same_as<T, bool>) {
            if (member) with_default(name, member, doc);
        } else if constexpr (VectorType<T> || StringMapType<T>) {
            if (!member.empty()) with_default(name, member, doc);
        } else {
            with_default(name, member, doc);
        }
    }
    template <class T>
    void with_default(std::string_view name, const T& member, std::string_view) {
        out_ += first_ ? "{" : ",";
        first_ = false;
        out_ += '"';
        out_ += name;  // ours: there is nothing to escape
        out_ += "\":";
        append_value(out_, member);
    }
    template <class T>
    void unless_empty(std::string_view name, const T& member, std::string_view doc) {
        if (!(member == T{})) with_default(name, member, doc);
    }
    void finish() { out_ += first_ ? "{}" : "}"; }

  private:
    std::string& out_;
    bool first_ = true;
};

template <class T>
void append_value(std::string& out, const T& value) {
    if constexpr (std::same_as<T, std::string>) {
        append_string(out, value);
    } else if constexpr (std::same_as<T, bool>) {
        out += value ? "true" : "false";
    } else if constexpr (IntegerType<T>) {
        fmt::format_to(std::back_inserter(out), "{}", value);
    } else if constexpr (NumberType<T>) {
        out += TextTraits<T>::to_string(value);
    } else if constexpr (TextType<T>) {
        append_string(out, TextTraits<T>::to_string(value));
    } else if constexpr (VectorType<T>) {
        out += '[';
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i > 0) out += ',';
            append_value(out, value[i]);
        }
        out += ']';
    } else if constexpr (StringMapType<T>) {
        out += '{';
        bool first = true;
        for (const auto& [key, element] : value) {
            if (!first) out += ',';
            first = false;
            append_string(out, key);
            out += ':';
            append_value(out, element);
        }
        out += '}';
    } else {
        JsonWriter writer(out);
        T::fields(value, writer);
        writer.finish();
    }
}

// ---- decoding from forms and queries ----

/// One form value into a scalar member.
template <class T>
Result<Done> read_text(const std::string& text, T& value, const std::string& name) {
    if constexpr (OptionalType<T>) {
        return read_text(text, value.emplace(), name);
    } else if constexpr (std::same_as<T, std::string>) {
        value = text;
    } else if constexpr (std::same_as<T, bool>) {
        // A bare `?follow` counts as true, as curl users write it.
        if (text == "true" || text == "1" || text.empty())
            value = true;
        else if (text == "false" || text == "0")
            value = false;
        else
            return bad_field(
                fmt::format("{} must be true or false, not \"{}\"", name, text.substr(0, 64)));
    } else if constexpr (IntegerType<T>) {
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || text.empty())
            return bad_field(
                fmt::format("{} must be a whole number, not \"{}\"", name, text.substr(0, 64)));
    } else if constexpr (TextType<T>) {
        auto parsed = TextTraits<T>::parse(text);
        if (!parsed) return at_field(name, parsed.error());
        value = std::move(*parsed);
    } else {
        return bad_field(fmt::format("{} can't be written in a form; send JSON", name));
    }
    return Done{};
}

/// NAME=VALUE; of `tmpfs` it is PATH[:OPTIONS], as docker writes it.
inline Result<std::pair<const std::string, std::string>> split_entry(const std::string& name,
                                                                     const std::string& text) {
    using Entry = std::pair<const std::string, std::string>;
    if (name == "tmpfs") {
        auto colon = std::min(text.find(':'), text.size());
        return Entry(text.substr(0, colon), text.substr(std::min(colon + 1, text.size())));
    }
    auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return bad_field(
            name == "env"  // whose values are not told
                ? "env must be NAME=VALUE"
                : fmt::format("{} must be NAME=VALUE, not \"{}\"", name, text.substr(0, 64)));
    return Entry(text.substr(0, equals), text.substr(equals + 1));
}

class FormReader {
  public:
    explicit FormReader(const FormFields& form) : form_(form) {}

    template <class T>
    void operator()(std::string_view name, T& member, std::string_view) {
        read(name, member, may_be_absent<T>);
    }
    template <class T>
    void with_default(std::string_view name, T& member, std::string_view) {
        read(name, member, true);
    }
    template <class T>
    void unless_empty(std::string_view name, T& member, std::string_view) {
        read(name, member, true);
    }
    Result<Done> finish() {
        if (error_) return fail(std::move(*error_));
        return Done{};
    }

  private:
    template <class T>
    void read(std::string_view name, T& member, bool optional) {
        if (error_) return;
        std::size_t count = 0;
        for (const auto& [key, text] : form_) {
            if (key != name) continue;
            ++count;
            auto result = add(text, member, std::string(name), count);
            if (!result) {
                error_ = std::move(result).error();
                return;
            }
        }
        if (count == 0 && !optional) error_ = bad_field(fmt::format("{} is missing", name)).error;
    }

    template <class T>
    static Result<Done> add(const std::string& text,
                            T& member,
                            const std::string& name,
                            std::size_t count) {
        if constexpr (VectorType<T>) {
            if (is_word_list(name) && count == 1 && text.find(' ') != std::string::npos)
                return bad_field(
                    fmt::format("{0} is one string with blanks; repeat the field, one word each "
                                "({0}=sh&{0}=-c&…)",
                                name));
            return read_text(text, member.emplace_back(), name);
        } else if constexpr (StringMapType<T>) {
            auto entry = split_entry(name, text);
            if (!entry) return fail(entry.error());
            if (!member.insert(*entry).second)
                return bad_field(fmt::format("{} gives {} twice", name, entry->first));
            return Done{};
        } else {
            if (count > 1) return bad_field(fmt::format("{} is given twice", name));
            return read_text(text, member, name);
        }
    }

    const FormFields& form_;
    std::optional<Error> error_;
};

}  // namespace codec
}  // namespace scheduler
