#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/output/text.hpp"
#include "cli/suggest.hpp"
#include "common/json.hpp"

namespace scheduler {
namespace {

std::vector<std::string> split_names(std::string_view names) {
    std::vector<std::string> split;
    while (!names.empty()) {
        auto comma = std::min(names.find(','), names.size());
        split.emplace_back(names.substr(0, comma));
        names.remove_prefix(std::min(comma + 1, names.size()));
    }
    return split;
}

Failure<Error> wrong_usage(std::string message) {
    return fail(ErrorCode::bad_request, std::move(message));
}

bool looks_like_option(std::string_view word) {
    return word.size() > 1 && word.front() == '-';
}

/// CLI11's errors begin with the option's name; the rest speaks of its own terms.
std::string explain(const CLI::ParseError& error) {
    std::string text = error.what();
    auto colon = text.find(':');
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && colon != std::string::npos)
        return text.substr(0, colon) + " needs a value";
    return text;
}

}  // namespace

/// What stood on the line.
struct OptionSet::Given {
    std::map<const Option*, std::vector<std::string>> values;
    std::vector<std::string> option_text;  ///< options and values as given, in order
    std::vector<std::string> words;        ///< the rest before `--`, in order
    std::vector<std::string> command;      ///< after `--`
    bool has_dashes = false;               ///< there was a `--`
};

void OptionSet::add(std::vector<std::string> names,
                    std::string_view metavar,
                    std::string_view help,
                    Completes completes,
                    Assign assign) {
    options_.push_back({std::move(names),
                        std::string(metavar),
                        std::string(help),
                        completes,
                        group_,
                        layout_,
                        std::move(assign)});
}

void OptionSet::flag(std::string_view names, bool& target, std::string_view help) {
    auto assign = [&target](const auto&) {
        target = true;
        return Done{};
    };
    add(split_names(names), "", help, Completes::nothing, assign);
}

void OptionSet::value(std::string_view names,
                      std::string_view metavar,
                      std::optional<std::string>& target,
                      std::string_view help,
                      Completes completes) {
    auto split = split_names(names);
    std::string name = split.back();
    auto assign = [&target, name](const std::vector<std::string>& values) -> Result<Done> {
        if (values.size() > 1) return wrong_usage(name + " is given twice");
        target = values.front();
        return Done{};
    };
    add(split, metavar, help, completes, assign);
}

void OptionSet::number(std::string_view names,
                       std::string_view metavar,
                       std::optional<std::int64_t>& target,
                       std::int64_t minimum,
                       std::string_view help) {
    auto split = split_names(names);
    std::string name = split.back();
    auto assign = [&target, name, minimum](const std::vector<std::string>& values) -> Result<Done> {
        if (values.size() > 1) return wrong_usage(name + " is given twice");
        const std::string& text = values.front();
        std::int64_t number = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size() || number < minimum)
            return wrong_usage(
                fmt::format("{} takes a whole number from {} up, not \"{}\"", name, minimum, text));
        target = number;
        return Done{};
    };
    add(split, metavar, help, Completes::nothing, assign);
}

void OptionSet::list(std::string_view names,
                     std::string_view metavar,
                     std::vector<std::string>& target,
                     std::string_view help,
                     Completes completes) {
    auto assign = [&target](const std::vector<std::string>& values) {
        target = values;
        return Done{};
    };
    add(split_names(names), metavar, help, completes, assign);
}

const OptionSet::Option* OptionSet::find(std::string_view name) const {
    for (const Option& option : options_)
        if (std::find(option.names.begin(), option.names.end(), name) != option.names.end())
            return &option;
    return nullptr;
}

/// CLI11 2.1.2: a vector option would take the words after its value too, hence
/// allow_extra_args(false); the line is split at `--` before it sees it, since a word there would
/// otherwise be taken for an option of ours.
Result<OptionSet::Given> OptionSet::read(const std::vector<std::string>& arguments) const {
    Given given;
    auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    given.has_dashes = dashes != arguments.end();
    if (given.has_dashes) given.command.assign(dashes + 1, arguments.end());

    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::map<const CLI::Option*, const Option*> known;
    std::vector<std::string> unused;  // the values are read from the options themselves
    for (const Option& option : options_) {
        std::string names = fmt::format("{}", fmt::join(option.names, ","));
        CLI::Option* added = nullptr;
        if (option.metavar.empty()) {
            added = app.add_flag(names);
        } else {
            added = app.add_option(names, unused)->allow_extra_args(false);
        }
        known[added] = &option;
    }
    try {
        app.parse(std::vector<std::string>(std::make_reverse_iterator(dashes), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return wrong_usage(explain(error));
    }
    std::map<const CLI::Option*, std::size_t> seen;
    for (const CLI::Option* parsed : app.parse_order()) {
        const Option* option = known[parsed];
        const std::string& value = parsed->results()[seen[parsed]++];
        given.values[option].push_back(value);
        given.option_text.push_back(option->names.back());
        if (!option->metavar.empty()) given.option_text.push_back(value);
    }
    given.words = app.remaining();
    return given;
}

Result<Done> OptionSet::parse(const std::vector<std::string>& arguments) {
    auto given = read(arguments);
    if (!given) return fail(std::move(given).error());
    // The words that fit are looked at, and the first that does not: what comes after that one
    // belongs to a command that was given without `--`.
    auto looked_at = std::min(given->words.size(), words_.count_max + 1);
    for (std::size_t i = 0; i < looked_at; ++i)
        if (looks_like_option(given->words[i])) return fail(unknown_option(given->words[i]));
    if (auto readable = check_text(*given); !readable) return readable;
    for (const auto& [option, values] : given->values)
        if (auto assigned = option->assign(values); !assigned) return assigned;
    return assign_words(*given);
}

/// JSON, and so the daemon, knows UTF-8 alone; the name of a file may be any bytes.
Result<Done> OptionSet::check_text(const Given& given) {
    auto check = [](const std::string& what,
                    const std::vector<std::string>& texts) -> Result<Done> {
        for (const std::string& text : texts)
            if (!is_valid_utf8(text))
                return wrong_usage(
                    fmt::format("{}\"{}\" is not valid UTF-8", what, escape_text(text)));
        return Done{};
    };
    for (const auto& [option, values] : given.values) {
        if (option->completes == Completes::file) continue;
        if (auto checked = check(option->names.back() + ' ', values); !checked) return checked;
    }
    if (auto checked = check("", given.words); !checked) return checked;
    return check("the command's word ", given.command);
}

Result<Done> OptionSet::assign_words(const Given& given) const {
    std::vector<std::string> all = given.words;
    if (!takes_command()) all.insert(all.end(), given.command.begin(), given.command.end());
    if (all.size() > words_.count_max) return fail(too_many_words(given));
    if (all.size() < words_.count_min)
        return wrong_usage(
            fmt::format("{} is missing; see schedctl {} --help", words_.metavar, command_));
    if (words_.target != nullptr) *words_.target = all;
    if (command_words_ == nullptr) return Done{};
    if (given.has_dashes && given.command.empty())
        return wrong_usage("no command after --; leave it out to run the image's own");
    *command_words_ = given.command;
    return Done{};
}

Error OptionSet::unknown_option(std::string_view word) const {
    std::string name(word.substr(0, word.find('=')));
    std::vector<std::string> names;
    for (const Option& option : options_)
        names.insert(names.end(), option.names.begin(), option.names.end());
    return {ErrorCode::bad_request,
            fmt::format(
                "{} has no option {}{}", command_, escape_text(name), did_you_mean(name, names))};
}

Error OptionSet::too_many_words(const Given& given) const {
    if (!takes_command()) {
        const std::string& first = words_.count_max < given.words.size()
                                       ? given.words[words_.count_max]
                                       : given.command.front();
        return {ErrorCode::bad_request,
                fmt::format(
                    "\"{}\" is too much; see schedctl {} --help", escape_text(first), command_)};
    }
    std::string line = "schedctl " + command_;
    auto add = [&line](const std::string& word) { line += ' ' + quote_shell(word); };
    auto command = given.words.begin() + static_cast<std::ptrdiff_t>(words_.count_max);
    std::for_each(given.words.begin(), command, add);
    std::for_each(given.option_text.begin(), given.option_text.end(), add);
    line += " --";
    std::for_each(command, given.words.end(), add);
    std::for_each(given.command.begin(), given.command.end(), add);
    return {ErrorCode::bad_request,
            fmt::format("the job's command stands after --:\n  {}", escape_text(line))};
}

}  // namespace scheduler
