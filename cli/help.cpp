#include "cli/help.hpp"

#include <array>
#include <cctype>

#include <fmt/format.h>

#include "cli/output/text.hpp"

namespace scheduler {
namespace {

constexpr std::size_t help_width = 80;

struct GroupTitle {
    CommandGroup group;
    std::string_view title;
};
constexpr std::array group_titles{GroupTitle{CommandGroup::jobs, "Jobs"},
                                  GroupTitle{CommandGroup::outcome, "Output and outcome"},
                                  GroupTitle{CommandGroup::daemon, "Daemon"}};

struct FamilyTitle {
    std::string_view family;
    std::string_view summary;
};
constexpr std::array family_titles{
    FamilyTitle{"def", "definitions: what runs, under a name for `add`"},
    FamilyTitle{"group", "groups: how many of their jobs run at once"}};

std::string capitalized(std::string_view sentence) {
    std::string text(sentence);
    if (!text.empty())
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

/// Breaks `text` at blanks so that no line passes the width; later lines begin at `indent`.
std::string wrap(std::string_view text, std::size_t column, std::size_t indent) {
    std::string out;
    while (!text.empty()) {
        auto end = std::min(text.find(' '), text.size());
        auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (column > indent && column + 1 + display_width(word) > help_width) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (!out.empty()) {
            out += ' ';
            ++column;
        }
        out += word;
        column += display_width(word);
    }
    return out;
}

/// `  -q, --quiet   help`
std::string option_line(const OptionSet::Option& option) {
    constexpr std::size_t help_column = 26;
    std::string left = "  ";
    bool has_short = option.names.front().size() == 2;
    if (!has_short) left += "    ";
    left += fmt::format("{}", fmt::join(option.names, ", "));
    if (!option.metavar.empty()) left += ' ' + option.metavar;
    if (left.size() + 2 > help_column)
        left += '\n' + std::string(help_column, ' ');
    else
        left.resize(help_column, ' ');
    return left + wrap(option.help, help_column, help_column) + '\n';
}

/// The options of a group, one after the other: those that a command with many shares with all,
/// and those that need no words.
std::string names_line(const OptionSet& options, std::string_view group) {
    std::string text;
    for (const OptionSet::Option& option : options.options()) {
        if (option.group != group) continue;
        text += fmt::format("{}{}", text.empty() ? "" : ", ", fmt::join(option.names, ", "));
        if (!option.metavar.empty()) text += ' ' + option.metavar;
    }
    std::string title = fmt::format("{}: ", group);
    return title + wrap(text, title.size(), 2) + '\n';
}

/// Without empty lines, so that it stays on two screens of 24.
std::string grouped_options(const OptionSet& options) {
    std::string text;
    std::string_view group;
    for (const OptionSet::Option& option : options.options()) {
        if (option.group == common_group) continue;
        bool is_new_group = option.group != group;
        group = option.group;
        if (option.layout == OptionSet::Layout::names) {
            if (is_new_group) text += names_line(options, group);
            continue;
        }
        if (is_new_group) text += fmt::format("{}:\n", group);
        text += option_line(option);
    }
    return text + names_line(options, common_group);
}

std::string usage(std::string_view name, std::string_view synopsis) {
    std::string line = fmt::format("Usage: schedctl {}", name);
    auto column = line.size() + 1;
    if (synopsis.empty()) return line + '\n';
    return line + ' ' + wrap(synopsis, column, column) + '\n';
}

}  // namespace

std::string_view family_summary(std::string_view family) {
    for (const FamilyTitle& title : family_titles)
        if (title.family == family) return title.summary;
    return "";
}

std::string general_help(std::span<const CommandRow> commands) {
    std::string text =
        "Usage: schedctl [--socket PATH] COMMAND [OPTION…] [ARG…]\n\n"
        "Runs a container image at the moment that was asked for.\n"
        "First steps: schedctl add JOB_A --in 2m; schedctl ls; schedctl logs last\n";
    for (const GroupTitle& title : group_titles) {
        text += fmt::format("\n{}:\n", title.title);
        std::string_view family;  // stands there once, for all its commands
        for (const CommandRow& row : commands) {
            if (row.group != title.group || (!family.empty() && row.family() == family)) continue;
            family = row.family();
            text += family.empty() ? fmt::format("  {:<8}{}\n", row.name, row.summary)
                                   : fmt::format("  {:<8}{}\n", family, family_summary(family));
        }
    }
    return text +
           "\nOptions:\n"
           "  --socket PATH  the daemon's socket, instead of $SCHEDULERD_SOCKET\n"
           "  --json         answers and errors as JSON, one object a line\n"
           "  --version      print the version and exit\n"
           "  -h, --help     print this, or with a command its options, and exit\n"
           "\nA job ID is its number (42), its id, the beginning of its id, or `last`.\n"
           "More: schedctl help COMMAND; man schedctl\n";
}

std::string family_help(std::string_view family, std::span<const CommandRow> commands) {
    std::string text = fmt::format(
        "Usage: schedctl {0} COMMAND [OPTION…] [ARG…]\n\n"
        "{1}.\n\nCommands:\n",
        family,
        capitalized(family_summary(family)));
    for (const CommandRow& row : commands)
        if (row.family() == family)
            text += fmt::format("  {:<8}{}\n", row.name.substr(family.size() + 1), row.summary);
    return text + fmt::format("\nMore: schedctl help {} COMMAND; man schedctl\n", family);
}

std::string command_help(const CommandRow& row, const OptionSet& options) {
    std::string text = usage(row.name, row.synopsis);
    std::string summary = capitalized(row.summary) + ".\n";
    const auto& first = options.options().front();
    if (!first.group.empty() && first.group != common_group)
        return text + summary + grouped_options(options);
    text += '\n' + summary + '\n';
    text += "Options:\n";
    for (const OptionSet::Option& option : options.options())
        text += option_line(option);
    return text;
}

}  // namespace scheduler
