#include "cli/app.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/complete.hpp"
#include "cli/exit_code.hpp"
#include "cli/help.hpp"
#include "cli/output/text.hpp"
#include "cli/suggest.hpp"
#include "common/socket_path.hpp"

namespace scheduler {
namespace {

constexpr std::string_view complete_command = "__complete";
constexpr std::string_view help_command = "help";
/// Announced, and not there yet: a guess at another command would mislead.
constexpr std::array<std::string_view, 2> planned_commands{"schedule", "policy"};

/// The line as it was given, taken apart at the subcommand's name. What stands before the name
/// joins what stands behind it, since the common options may be given in both places.
struct CommandLine {
    std::optional<std::string> command;
    std::vector<std::string> arguments;
};

CommandLine split_line(const std::vector<std::string>& arguments,
                       std::span<const CommandRow> commands) {
    CommandLine line;
    bool is_named = false;  // of a family it takes two words
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (is_named || word.starts_with("-")) {
            line.arguments.push_back(word);
            bool has_value = !is_named && word == "--socket" && i + 1 < arguments.size();
            if (has_value) line.arguments.push_back(arguments[++i]);
        } else if (line.command) {
            *line.command += ' ' + word;
            is_named = true;
        } else {
            line.command = word;
            is_named = !is_family(word, commands);
        }
    }
    return line;
}

/// `help` is `--help`, `help add` is `add --help`.
CommandLine as_help_option(const CommandLine& line, std::span<const CommandRow> commands) {
    CommandLine asked = split_line(line.arguments, commands);
    asked.arguments.emplace_back("--help");
    return asked;
}

int refuse_usage(Console& console, const std::string& message) {
    console.report(Error{ErrorCode::bad_request, message});
    return exit_usage;
}

std::vector<std::string> socket_paths(const CommonOptions& common) {
    if (common.socket) return {*common.socket};
    uid_t uid = ::geteuid();
    return socket_search_path(SocketEnvironment::of_process(uid), uid);
}

std::string version_text() {
    return fmt::format("schedctl {}\n", SCHEDULER_VERSION);
}

/// Without a subcommand: `--help`, `--version`, or nothing that makes sense.
int run_without_command(const std::vector<std::string>& arguments,
                        std::span<const CommandRow> commands,
                        Console& console) {
    OptionSet options("schedctl");
    CommonOptions common;
    common.declare(options);
    auto parsed = options.parse(arguments);
    if (!parsed) return refuse_usage(console, parsed.error().message);
    if (common.version) {
        console.print(version_text());
        return exit_done;
    }
    if (common.help) {
        console.print(general_help(commands));
        return exit_done;
    }
    console.print_to_stderr(general_help(commands));
    return exit_usage;
}

/// `def` alone: `--help`, or nothing that makes sense.
int run_family(const CommandLine& line, std::span<const CommandRow> commands, Console& console) {
    OptionSet options(*line.command);
    CommonOptions common;
    common.declare(options);
    auto parsed = options.parse(line.arguments);
    if (!parsed) return refuse_usage(console, parsed.error().message);
    std::string help = family_help(*line.command, commands);
    if (common.help) {
        console.print(help);
        return exit_done;
    }
    console.print_to_stderr(help);
    return exit_usage;
}

int refuse_command(const std::string& name,
                   std::span<const CommandRow> commands,
                   Console& console) {
    std::vector<std::string> names;
    for (const CommandRow& row : commands)
        names.emplace_back(row.name);
    if (std::find(planned_commands.begin(), planned_commands.end(), name) != planned_commands.end())
        return refuse_usage(
            console,
            fmt::format("{} is not in this version ({}); see schedctl --help for what is",
                        name,
                        SCHEDULER_VERSION));
    std::string hint = did_you_mean(name, names);
    std::string family = name.substr(0, name.find(' '));
    if (hint.empty())
        hint = fmt::format("; see schedctl {}--help",
                           is_family(family, commands) ? escape_text(family) + ' ' : "");
    return refuse_usage(console, fmt::format("there is no command {}{}", escape_text(name), hint));
}

int run_command(const CommandRow& row,
                const std::vector<std::string>& arguments,
                Console& console) {
    auto command = row.make();
    OptionSet options{std::string(row.name)};
    CommonOptions common;
    command->declare(options);
    common.declare(options);
    // A missing word is no reason to withhold the help that was asked for.
    auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    auto asks = [&](std::string_view option) {
        return std::find(arguments.begin(), dashes, option) != dashes;
    };
    if (asks("--help") || asks("-h")) {
        console.print(command_help(row, options));
        return exit_done;
    }
    if (asks("--version")) {
        console.print(version_text());
        return exit_done;
    }
    if (auto parsed = options.parse(arguments); !parsed)
        return refuse_usage(console, parsed.error().message);
    Client client(socket_paths(common));
    client.set_on_silence([&console](std::string_view sentence) { console.note(sentence); });
    Context context{client, console};
    return command->run(context);
}

/// Standard output that can't be written is a failure, even if all else went well.
int check_output(int exit_code, Console& console) {
    if (console.is_ok()) return exit_code;
    if (console.out_error() == EPIPE) return exit_broken_pipe;
    console.report(Error{ErrorCode::internal,
                         fmt::format("the output can't be written: {}",
                                     std::generic_category().message(console.out_error()))});
    return exit_refused;
}

}  // namespace

void CommonOptions::declare(OptionSet& options) {
    options.group(common_group);
    options.flag("--json", json, "answers and errors as JSON, one object a line");
    options.value("--socket", "PATH", socket, "the daemon's socket", Completes::file);
    options.flag("--version", version, "print the version and exit");
    options.flag("-h,--help", help, "print this and exit");
}

TimePoint wall_now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

int run_schedctl(const std::vector<std::string>& arguments,
                 std::span<const CommandRow> commands,
                 Console& console) {
    CommandLine line = split_line(arguments, commands);
    if (line.command == complete_command) {
        console.print(complete(line.arguments, commands, socket_paths(CommonOptions{})));
        return exit_done;
    }
    // Before anything is refused: an error is JSON too.
    auto dashes = std::find(line.arguments.begin(), line.arguments.end(), "--");
    if (std::find(line.arguments.begin(), dashes, "--json") != dashes) console.use_json();
    if (line.command == help_command) line = as_help_option(line, commands);
    if (!line.command)
        return check_output(run_without_command(line.arguments, commands, console), console);
    auto row = std::find_if(commands.begin(), commands.end(), [&](const CommandRow& candidate) {
        return candidate.name == *line.command;
    });
    if (row == commands.end() && is_family(*line.command, commands))
        return run_family(line, commands, console);
    if (row == commands.end()) return refuse_command(*line.command, commands, console);
    return check_output(run_command(*row, line.arguments, console), console);
}

}  // namespace scheduler
