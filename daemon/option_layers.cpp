#include "daemon/option_layers.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace scheduler {
namespace {

using Kind = OptionParser::Kind;

/// The values of one option as arguments.
std::vector<std::string> as_arguments(const std::string& name,
                                      const std::vector<std::string>& values) {
    std::vector<std::string> arguments;
    for (const std::string& value : values)
        arguments.push_back(fmt::format("--{}={}", name, value));
    return arguments;
}

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        auto end = std::min(text.find(',', begin), text.size());
        parts.emplace_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::string variable_of(const std::string& name) {
    std::string variable = "SCHEDULERD_";
    for (char c : name)
        variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
    return variable;
}

}  // namespace

Result<Done> OptionLayers::add_flags(std::vector<std::string> arguments) {
    auto result = flags_.parse(arguments);
    if (!result)
        return fail(result.error().code, result.error().message + "; see schedulerd --help");
    for (const std::string& name : flags_.names())
        if (flags_.has(name)) holders_[name] = Layer::flags;
    arguments_ = std::move(arguments);
    return Done{};
}

Result<Done> OptionLayers::add_environment(const std::map<std::string, std::string>& environment) {
    for (const std::string& name : flags_.names()) {
        auto kind = flags_.kind(name);
        if (kind == Kind::flag_only && name != "config") continue;
        auto variable = variable_of(name);
        auto found = environment.find(variable);
        if (found == environment.end() || found->second.empty()) continue;
        auto values =
            kind == Kind::list ? split_at_commas(found->second) : std::vector{found->second};
        if (auto result = add(name, values, Layer::environment, variable); !result) return result;
    }
    return Done{};
}

Result<Done> OptionLayers::add_file(const std::vector<ConfigEntry>& entries,
                                    const std::string& path) {
    std::map<std::string, int> first_lines;
    for (const ConfigEntry& entry : entries) {
        auto where = fmt::format("{}, line {}", path, entry.line);
        auto bad = [&](std::string_view reason) {
            return fail(ErrorCode::bad_field, fmt::format("{}: {}", where, reason));
        };
        auto kind = flags_.kind(entry.key);
        if (kind == Kind::unknown)
            return bad(fmt::format("\"{}\" is no known key; see schedulerd.conf(5)", entry.key));
        if (kind == Kind::flag_only)
            return bad(fmt::format("{} can't be set in the file", entry.key));
        auto [first, is_first] = first_lines.emplace(entry.key, entry.line);
        if (kind == Kind::single && !is_first)
            return bad(fmt::format(
                "{} takes one value, and line {} gives it too", entry.key, first->second));
        if (kind == Kind::single && entry.values.size() > 1)
            return bad(fmt::format("{} takes one value; put one with blanks in quotes", entry.key));
        if (auto result = add(entry.key, entry.values, Layer::file, where); !result) return result;
    }
    return Done{};
}

Result<WrittenOptions> OptionLayers::together() const {
    OptionParser parser;
    if (auto result = parser.parse(arguments_); !result) return fail(result.error());
    auto written = parser.written();
    // listen and no-http contradict each other: the higher layer wins.
    Layer listen = holder("listen");
    Layer no_http = written.no_http ? holder("no-http") : Layer::none;
    if (no_http != Layer::none && listen == no_http)
        return fail(ErrorCode::bad_field,
                    "no-http and listen exclude each other; leave one of them out");
    if (listen > no_http) written.no_http = false;
    return written;
}

/// Checks the values by themselves, and takes them unless a layer above holds the option.
Result<Done> OptionLayers::add(const std::string& name,
                               const std::vector<std::string>& values,
                               Layer layer,
                               const std::string& where) {
    auto added = as_arguments(name, values);
    OptionParser alone;
    if (auto result = alone.parse(added); !result) {
        std::string_view reason = result.error().message;
        auto flag = fmt::format("--{}: ", name);
        if (reason.substr(0, flag.size()) == flag) reason.remove_prefix(flag.size());
        return fail(ErrorCode::bad_field, fmt::format("{}: {}: {}", where, name, reason));
    }
    Layer& holder = holders_[name];
    if (holder > layer) return Done{};
    holder = layer;
    arguments_.insert(arguments_.end(), added.begin(), added.end());
    return Done{};
}

OptionLayers::Layer OptionLayers::holder(const std::string& name) const {
    auto found = holders_.find(name);
    return found == holders_.end() ? Layer::none : found->second;
}

}  // namespace scheduler
