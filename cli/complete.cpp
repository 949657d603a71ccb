#include "cli/complete.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "cli/help.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/text.hpp"
#include "common/capabilities.hpp"
#include "common/requests/definitions.hpp"
#include "common/requests/groups.hpp"
#include "common/requests/list.hpp"

namespace scheduler {
namespace {

/// A shell that waits for us must not hang because a daemon does.
constexpr auto patience = std::chrono::seconds(1);
constexpr std::int64_t jobs_offered = 200;
constexpr std::int64_t jobs_searched_for_names = 1000;

struct Candidate {
    std::string value;
    std::string description;
};

/// The line, taken apart as far as it is known.
struct TypedLine {
    std::string socket;   ///< of `--socket`, if it is given
    std::string command;  ///< as far as it is typed: empty, or a family's first word, perhaps
    std::vector<std::string> rest;  ///< between the command and the word being typed
    std::string current;            ///< the word being typed
};

constexpr std::string_view socket_is = "--socket=";

TypedLine take_apart(const std::vector<std::string>& words) {
    TypedLine line;
    if (words.empty()) return line;
    line.current = words.back();
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        bool has_value = i + 2 < words.size();  // else the value is what is being typed
        if (words[i] == "--socket" && has_value)
            line.socket = words[++i];
        else if (words[i].starts_with(socket_is))
            line.socket = words[i].substr(socket_is.size());
        else if (line.command.empty() && !words[i].starts_with("-"))
            line.command = words[i];
        else
            line.rest.push_back(words[i]);
    }
    return line;
}

/// The first that is no option; empty: there is none.
std::string take_word(std::vector<std::string>& words) {
    auto word = std::find_if(words.begin(), words.end(), [](const std::string& candidate) {
        return !candidate.starts_with("-");
    });
    if (word == words.end()) return "";
    std::string taken = std::move(*word);
    words.erase(word);
    return taken;
}

/// The jobs that a command can act on.
std::vector<JobStatus> statuses_for(Completes completes) {
    switch (completes) {
        case Completes::scheduled_job:
            return {JobStatus::scheduled};
        case Completes::running_job:
            return {JobStatus::running};
        case Completes::started_job:
            return {JobStatus::running, JobStatus::finished};
        case Completes::unended_job:
            return {JobStatus::running, JobStatus::scheduled};
        default:
            return {};
    }
}

std::vector<Job> ask_jobs(Client& client, std::vector<JobStatus> statuses, std::int64_t limit) {
    ListRequest request;
    request.status = std::move(statuses);
    request.limit = limit;
    auto answer = client.call(request);
    return answer ? std::move(answer->value.jobs) : std::vector<Job>{};
}

/// Numbers, since they are short; ids once someone begins to type one (an id of this era begins
/// with 0, a number never does).
std::vector<Candidate> job_candidates(Client& client,
                                      Completes completes,
                                      const std::string& current) {
    std::vector<Candidate> candidates;
    for (const Job& job : ask_jobs(client, statuses_for(completes), jobs_offered)) {
        std::string value =
            current.starts_with("0") ? job.id.to_string() : std::to_string(job.number);
        candidates.push_back({value, fmt::format("{}, {}", job.job_name, status_word(job))});
    }
    return candidates;
}

/// The names on the first page of a list, which is `listed` of its response.
template <class Request, class Listed>
std::vector<Candidate> names_listed(Client& client, Listed listed, const char* what) {
    Request request;
    request.limit = Request::limit_max;
    auto answer = client.call(request);
    std::vector<Candidate> candidates;
    if (!answer) return candidates;
    for (const auto& named : answer->value.*listed)
        candidates.push_back({named.name, what});
    return candidates;
}

std::vector<Candidate> definition_candidates(Client& client) {
    return names_listed<DefListRequest>(client, &DefListResponse::definitions, "a definition");
}

/// What may be run: definitions, and the names of jobs.
std::vector<Candidate> name_candidates(Client& client) {
    std::vector<Candidate> candidates = definition_candidates(client);
    std::set<std::string> seen;
    for (const Candidate& definition : candidates)
        seen.insert(definition.value);
    for (const Job& job : ask_jobs(client, {}, jobs_searched_for_names))
        if (seen.insert(job.job_name).second) candidates.push_back({job.job_name, "a job's name"});
    return candidates;
}

std::vector<Candidate> words_of(std::initializer_list<std::string_view> words) {
    std::vector<Candidate> candidates;
    for (std::string_view word : words)
        candidates.push_back({std::string(word), ""});
    return candidates;
}

std::vector<Candidate> capability_candidates() {
    auto candidates = words_of({all_capabilities});
    for (std::string_view capability : capabilities)
        candidates.push_back({std::string(capability), ""});
    return candidates;
}

std::vector<Candidate> candidates_for(Completes completes,
                                      Client& client,
                                      const std::string& current) {
    switch (completes) {
        case Completes::nothing:
            return {};
        case Completes::file:
            return words_of({":files"});
        case Completes::job_name:
            return name_candidates(client);
        case Completes::status:
            return words_of({"scheduled", "running", "finished", "canceled"});
        case Completes::finish_status:
            return words_of({"success", "failed", "did_not_run", "killed", "timed_out", "lost"});
        case Completes::stream:
            return words_of({"stdout", "stderr"});
        case Completes::past_date:
            return words_of({"run", "refuse"});
        case Completes::network:
            return words_of({"bridge", "none", "host"});
        case Completes::capability:
            return capability_candidates();
        case Completes::backoff:
            return words_of({"fixed", "exponential"});
        case Completes::retried_end:
            return words_of({"failed", "timed_out", "failed,timed_out", "failed,timed_out,lost"});
        case Completes::definition:
            return definition_candidates(client);
        case Completes::group:
            return names_listed<GroupListRequest>(client, &GroupListResponse::groups, "a group");
        case Completes::any_job:
        case Completes::scheduled_job:
        case Completes::running_job:
        case Completes::started_job:
        case Completes::unended_job:
            return job_candidates(client, completes, current);
    }
    return {};
}

std::vector<Candidate> option_candidates(const OptionSet& options) {
    std::vector<Candidate> candidates;
    for (const auto& option : options.options())
        candidates.push_back({option.names.back(), option.help});
    return candidates;
}

/// How many of `rest` are words, not options or their values.
std::size_t count_words(const std::vector<std::string>& rest, const OptionSet& options) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const auto* option = options.find(rest[i]);
        if (option != nullptr && !option->metavar.empty())
            ++i;
        else if (!rest[i].starts_with("-"))
            ++count;
    }
    return count;
}

std::vector<Candidate> complete_arguments(const TypedLine& line,
                                          const OptionSet& options,
                                          Client& client) {
    if (std::find(line.rest.begin(), line.rest.end(), "--") != line.rest.end())
        return words_of({":files"});
    const auto* before = line.rest.empty() ? nullptr : options.find(line.rest.back());
    if (before != nullptr && !before->metavar.empty())
        return candidates_for(before->completes, client, line.current);
    auto equals = line.current.find('=');
    if (line.current.starts_with("--") && equals != std::string::npos) {
        std::string name = line.current.substr(0, equals);
        const auto* option = options.find(name);
        if (option == nullptr) return {};
        auto candidates =
            candidates_for(option->completes, client, line.current.substr(equals + 1));
        for (Candidate& candidate : candidates)
            if (candidate.value != ":files") candidate.value.insert(0, name + '=');
        return candidates;
    }
    if (line.current.starts_with("-")) return option_candidates(options);
    if (count_words(line.rest, options) >= options.words().count_max) return {};
    return candidates_for(options.words().completes, client, line.current);
}

std::vector<Candidate> complete_command(const TypedLine& line,
                                        std::span<const CommandRow> commands) {
    if (!line.rest.empty() && line.rest.back() == "--socket") return words_of({":files"});
    if (line.current.starts_with(socket_is)) return words_of({":files"});
    if (line.current.starts_with("-"))
        return {{"--socket", "the daemon's socket"},
                {"--json", "answers and errors as JSON"},
                {"--version", "print the version"},
                {"--help", "print the commands"}};
    std::vector<Candidate> candidates;
    for (const CommandRow& row : commands)
        if (row.family() == line.command) {
            auto word = row.name.substr(line.command.empty() ? 0 : line.command.size() + 1);
            candidates.push_back({std::string(word), std::string(row.summary)});
        } else if (line.command.empty() &&
                   (candidates.empty() || candidates.back().value != row.family())) {
            candidates.push_back(
                {std::string(row.family()), std::string(family_summary(row.family()))});
        }
    return candidates;
}

/// A value that would break the line-by-line talk with the shell is left out.
bool is_plain(const std::string& value) {
    return escape_text(value) == value;
}

std::string print(const std::vector<Candidate>& candidates, const std::string& current) {
    std::string text;
    for (const auto& [value, description] : candidates) {
        if (value != ":files" && (!value.starts_with(current) || !is_plain(value))) continue;
        text += value + '\t' + escape_text(description) + '\n';
    }
    return text;
}

}  // namespace

std::string complete(const std::vector<std::string>& words,
                     std::span<const CommandRow> commands,
                     std::vector<std::string> socket_paths) {
    TypedLine line = take_apart(words);
    bool asks_help = line.command == "help";
    if (asks_help) line.command = take_word(line.rest);
    if (is_family(line.command, commands))
        if (std::string second = take_word(line.rest); !second.empty())
            line.command += ' ' + second;
    if (line.command.empty() || is_family(line.command, commands))
        return print(complete_command(line, commands), line.current);
    if (asks_help) return "";
    auto row = std::find_if(commands.begin(), commands.end(), [&](const CommandRow& candidate) {
        return candidate.name == line.command;
    });
    if (row == commands.end()) return "";
    auto command = row->make();
    OptionSet options{line.command};
    CommonOptions common;
    command->declare(options);
    common.declare(options);
    if (!line.socket.empty()) socket_paths = {line.socket};
    Client client(std::move(socket_paths));
    client.set_deadline(Client::Clock::now() + patience);  // for all that is asked
    return print(complete_arguments(line, options, client), line.current);
}

}  // namespace scheduler
