/// The completions in real shells, with a daemon that answers by script.

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/json.hpp"
#include "common/operations.hpp"
#include "tests/support/program.hpp"
#include "tests/support/scripted_daemon.hpp"

namespace scheduler {
namespace {

using testing::DaemonCall;
using testing::DaemonSession;
using testing::ProgramOptions;
using testing::run_program;
using testing::ScriptedDaemon;

Job make_job(std::int64_t number, const std::string& name) {
    Job job;
    job.id = JobId::parse(fmt::format("0197d2c0a5b37a1e8c00112233{:06x}", number)).value();
    job.number = number;
    job.job_name = name;
    return job;
}

ScriptedDaemon::Script lists_jobs() {
    return [](DaemonSession& session, const DaemonCall& call) {
        ListResponse response;
        response.jobs = {make_job(41, "alpine:3.20"),
                         make_job(42, "$(touch /nonexistent/x) y"),
                         make_job(7, "bad\nname")};
        session.result(call, encode(response));
    };
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        all.push_back(line);
    return all;
}

/// Completes `line` in an interactive bash's way, with the words cut as readline cuts them.
std::vector<std::string> complete_in_bash(const std::string& socket, const std::string& line) {
    constexpr std::string_view script = R"(
        source /usr/share/bash-completion/bash_completion 2>/dev/null
        source "$COMPLETION"
        COMP_LINE=$LINE COMP_POINT=${#LINE}
        # As readline does: blanks, and each of COMP_WORDBREAKS, end a word.
        cut=${LINE//:/ : }
        read -r -a COMP_WORDS <<< "${cut//=/ = }"
        [[ $LINE == *' ' ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _schedctl 2>&1
        printf '%s\n' "${COMPREPLY[@]}"
    )";
    std::string directory = std::filesystem::path(SCHEDCTL_PATH).parent_path().string();
    ProgramOptions options;
    options.environment = {{"SCHEDULERD_SOCKET", socket},
                           {"LINE", line},
                           {"COMPLETION", PROJECT_SOURCE_DIR "/completions/schedctl.bash"},
                           {"PATH", directory + ":/usr/bin:/bin"}};
    auto result = run_program({"bash", "--norc", "-c", std::string(script)}, options);
    auto all = lines(result.out);
    std::erase(all, "");
    return all;
}

std::vector<std::string> ask(const std::string& socket, std::vector<std::string> words) {
    words.insert(words.begin(), {SCHEDCTL_PATH, "__complete"});
    ProgramOptions options;
    options.environment = {{"SCHEDULERD_SOCKET", socket}};
    auto result = run_program(words, options);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    return lines(result.out);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("bash completes subcommands and options", "[completion]") {
    CHECK(complete_in_bash("/nonexistent", "schedctl sta") == Lines{"status"});
    CHECK(complete_in_bash("/nonexistent", "schedctl ls --finish-s") == Lines{"--finish-status"});
    CHECK(complete_in_bash("/nonexistent", "schedctl ls --status sc") == Lines{"scheduled"});
    CHECK(complete_in_bash("/nonexistent", "schedctl --json res") == Lines{"resume"});
    // = ends a word in bash: what stands before it is on the line already.
    CHECK(complete_in_bash("/nonexistent", "schedctl ls --status=f") == Lines{"finished"});
    CHECK(complete_in_bash("/nonexistent", "schedctl ls --status=").size() == 4);
    CHECK(complete_in_bash("/nonexistent", "schedctl help sta") == Lines{"status"});
}

TEST_CASE("bash completes the daemon's jobs", "[completion]") {
    ScriptedDaemon daemon(lists_jobs());
    CHECK(complete_in_bash(daemon.path(), "schedctl show 4") == Lines{"41", "42"});
    CHECK(complete_in_bash(daemon.path(), "schedctl show 0197d2c0a5b37a1e8c0011223300002") ==
          Lines{make_job(41, "").id.to_string(), make_job(42, "").id.to_string()});
    CHECK(complete_in_bash(daemon.path(), "schedctl rm 41 42 ").size() == 3);
}

TEST_CASE("bash completes names with colons, and runs nothing that they say", "[completion]") {
    ScriptedDaemon daemon(lists_jobs());
    CHECK(complete_in_bash(daemon.path(), "schedctl add al") == Lines{"alpine:3.20"});
    CHECK(complete_in_bash(daemon.path(), "schedctl add alpine:3") == Lines{"3.20"});
    CHECK(complete_in_bash(daemon.path(), "schedctl add $") ==
          Lines{R"(\$\(touch\ /nonexistent/x\)\ y)"});
}

TEST_CASE("completion is silent when the daemon is down", "[completion]") {
    CHECK(complete_in_bash("/nonexistent", "schedctl show ").empty());
    CHECK(ask("/nonexistent", {"show", ""}).empty());
}

TEST_CASE("a daemon that hangs does not hang the shell", "[completion]") {
    ScriptedDaemon daemon(
        [](DaemonSession& session, const DaemonCall&) { session.wait_for_close(); });
    CHECK(ask(daemon.path(), {"show", ""}).empty());
}

TEST_CASE("each command is offered the jobs that it can act on", "[completion]") {
    ScriptedDaemon daemon(lists_jobs());
    (void)ask(daemon.path(), {"run", ""});
    (void)ask(daemon.path(), {"kill", ""});
    (void)ask(daemon.path(), {"logs", ""});
    auto calls = daemon.calls();
    REQUIRE(calls.size() == 3);
    CHECK(calls[0].line.find(R"("status":["scheduled"])") != std::string::npos);
    CHECK(calls[1].line.find(R"("status":["running"])") != std::string::npos);
    CHECK(calls[2].line.find(R"("status":["running","finished"])") != std::string::npos);
}

TEST_CASE("values are completed by what they are", "[completion]") {
    ScriptedDaemon daemon(lists_jobs());
    CHECK(ask(daemon.path(), {"add", "--env-file", ""})[0].find(":files") == 0);
    CHECK(ask(daemon.path(), {"add", "J", "--in", ""}).empty());
    CHECK(ask(daemon.path(), {"add", "J", "--cap-add", "NET_A"}) == Lines{"NET_ADMIN\t"});
    CHECK(ask(daemon.path(), {"add", "J", "--network", ""}).size() == 3);
    CHECK(ask(daemon.path(), {"add", "J", "--retry-backoff", ""}).size() == 2);
    CHECK(ask(daemon.path(), {"add", "J", "--retry-on", ""}).size() == 4);
    CHECK(ask(daemon.path(), {"add", "J", "--now", "--", "ls", ""})[0].find(":files") == 0);
    CHECK(ask(daemon.path(), {"ls", "--status=f"}) == Lines{"--status=finished\t"});
    CHECK(ask(daemon.path(), {"show", "42"}) == Lines{"42\t$(touch /nonexistent/x) y, scheduled"});
    CHECK(ask("/nonexistent", {"--socket", daemon.path(), "show", "41"}) ==
          Lines{"41\talpine:3.20, scheduled"});
    CHECK(ask("/nonexistent", {"--socket=" + daemon.path(), "show", "41"}) ==
          Lines{"41\talpine:3.20, scheduled"});
    CHECK(ask("/nonexistent", {"show", "--socket=" + daemon.path(), "41"}) ==
          Lines{"41\talpine:3.20, scheduled"});
    CHECK(ask(daemon.path(), {"logs", "41", ""}).empty());
    CHECK(ask(daemon.path(), {"nothing", ""}).empty());
    CHECK(ask(daemon.path(), {}).size() >= 13);
}

}  // namespace scheduler
