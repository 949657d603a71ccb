#pragma once
/// Query and path fields as members of a JSON object, for a request whose body is JSON: `now=1`
/// becomes
/// `"now":true` because the field is a bool. A text that does not fit its field's type stays a
/// string, so that the decoder refuses it by name, and so does a name that is no field. Pure; any
/// thread.

#include <algorithm>

#include <fmt/format.h>

#include "common/fields.hpp"
#include "common/json.hpp"

namespace scheduler {

/// One text as a JSON value of T.
template <class T>
std::string json_value(const std::string& text) {
    if constexpr (OptionalType<T>) {
        return json_value<typename T::value_type>(text);
    } else if constexpr (std::same_as<T, bool>) {
        if (text == "true" || text == "1" || text.empty()) return "true";
        if (text == "false" || text == "0") return "false";
    } else if constexpr (IntegerType<T>) {
        bool is_number =
            !text.empty() && text.size() < 19 && (text == "0" || text.front() != '0') &&
            std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (is_number) return text;
    }
    return quote_json(text);
}

/// Visits the fields of a request and writes those that the form gives.
class MemberWriter {
  public:
    explicit MemberWriter(const FormFields& form) : form_(form) {}

    template <class T>
    void operator()(std::string_view name, T&, std::string_view) {
        std::vector<std::string> texts;
        for (const auto& [key, text] : form_)
            if (key == name) texts.push_back(text);
        if (!texts.empty()) add<T>(name, texts);
    }
    template <class T>
    void with_default(std::string_view name, T& member, std::string_view doc) {
        (*this)(name, member, doc);
    }
    template <class T>
    void unless_empty(std::string_view name, T& member, std::string_view doc) {
        (*this)(name, member, doc);
    }

    Result<std::string> finish() && {
        if (error_) return fail(std::move(*error_));
        return std::move(members_);
    }
    void add_member(std::string_view name, std::string_view value) {
        if (!members_.empty()) members_ += ',';
        members_ += fmt::format("{}:{}", quote_json(name), value);
    }

  private:
    template <class T>
    void add(std::string_view name, const std::vector<std::string>& texts) {
        if constexpr (VectorType<T>) {
            std::string elements;
            for (const std::string& text : texts)
                elements +=
                    (elements.empty() ? "" : ",") + json_value<typename T::value_type>(text);
            add_member(name, '[' + elements + ']');
        } else if constexpr (StringMapType<T>) {
            std::string pairs;
            for (const std::string& text : texts) {
                auto equals = text.find('=');
                if (equals == std::string::npos || equals == 0)
                    error_ =
                        Error{ErrorCode::bad_field, fmt::format("{} must be NAME=VALUE", name)};
                else
                    pairs += (pairs.empty() ? "" : ",") + quote_json(text.substr(0, equals)) + ':' +
                             quote_json(text.substr(equals + 1));
            }
            add_member(name, '{' + pairs + '}');
        } else {
            if (texts.size() > 1)
                error_ = Error{ErrorCode::bad_field, fmt::format("{} is given twice", name)};
            add_member(name, json_value<T>(texts.front()));
        }
    }

    const FormFields& form_;
    std::string members_;
    std::optional<Error> error_;
};

/// `"a":1,"b":"x"`. Errors: bad_field.
template <class Request>
Result<std::string> json_members(const FormFields& form) {
    MemberWriter writer(form);
    Request request{};
    Request::fields(request, writer);
    auto names = field_names<Request>();
    for (const auto& [name, text] : form)
        if (std::find(names.begin(), names.end(), name) == names.end())
            writer.add_member(name, quote_json(text));
    return std::move(writer).finish();
}

}  // namespace scheduler
