#include "daemon/http/parameters.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/http/head.hpp"

namespace scheduler {
namespace {

/// Takes a quoted string out of `text`, which begins with its quote. Nothing when it does not end.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return value;
        }
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        value += text[i];
    }
    return std::nullopt;
}

/// What stands up to the next semicolon, without blanks around it: browsers and others leave more
/// than a token unquoted.
std::string_view take_bare(std::string_view& text) {
    auto end = std::min(text.find(';'), text.size());
    auto value = trim(text.substr(0, end));
    text.remove_prefix(end);
    return value;
}

}  // namespace

const std::string* ParameterizedValue::find(std::string_view name) const {
    auto found = std::find_if(parameters.begin(), parameters.end(), [&](const auto& parameter) {
        return parameter.first == name;
    });
    return found == parameters.end() ? nullptr : &found->second;
}

Result<ParameterizedValue> parse_parameters(std::string_view text) {
    auto bad = [](std::string message) { return fail(ErrorCode::bad_request, std::move(message)); };
    ParameterizedValue parsed;
    parsed.value = to_lower(take_bare(text));
    while (!text.empty()) {
        text.remove_prefix(1);  // the semicolon
        text = trim(text);
        if (text.empty() || text.front() == ';') continue;
        auto equals = text.find('=');
        std::string name = to_lower(text.substr(0, equals));
        if (equals == std::string_view::npos || !is_token(name))
            return bad(fmt::format("\"{}\" is not NAME=VALUE", text.substr(0, 64)));
        text.remove_prefix(equals + 1);
        std::string value;
        if (!text.empty() && text.front() == '"') {
            auto quoted = take_quoted(text);
            if (!quoted) return bad(fmt::format("the quoted value of {} does not end", name));
            value = std::move(*quoted);
            text = trim(text);
            if (!text.empty() && text.front() != ';')
                return bad(fmt::format("something follows the quoted value of {}", name));
        } else {
            value = take_bare(text);
        }
        if (parsed.find(name) != nullptr) return bad(fmt::format("{} is given twice", name));
        parsed.parameters.emplace_back(std::move(name), std::move(value));
    }
    return parsed;
}

}  // namespace scheduler
