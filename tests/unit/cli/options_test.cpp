/// How schedctl reads its line.

#include "cli/options.hpp"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/env_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/help.hpp"
#include "cli/moment.hpp"
#include "cli/mount_options.hpp"
#include "cli/output/text.hpp"
#include "cli/spec_options.hpp"
#include "cli/suggest.hpp"
#include "common/json.hpp"

namespace scheduler {
namespace {

/// The options of something like `add`.
struct Line {
    OptionSet options{"add"};
    std::optional<std::string> in;
    std::optional<std::int64_t> limit;
    std::vector<std::string> env, name, command;
    bool quiet = false;

    Line() {
        options.value("--in", "TIME", in, "when");
        options.number("-n,--limit", "COUNT", limit, 1, "how many");
        options.list("-e,--env", "K=V", env, "variables");
        options.flag("-q,--quiet", quiet, "less");
        options.words({.metavar = "NAME", .count_min = 1, .count_max = 1, .target = &name});
        options.command_words(command);
    }
    std::string error(const std::vector<std::string>& arguments) {
        auto parsed = options.parse(arguments);
        return parsed ? "" : parsed.error().message;
    }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("an option that may be repeated takes one value each time", "[cli]") {
    Line line;
    REQUIRE(line.error({"--env", "A=1", "JOB", "-e", "B=x y", "-eC=", "--in", "2m"}).empty());
    CHECK(line.env == Words{"A=1", "B=x y", "C="});
    CHECK(line.name == Words{"JOB"});
    CHECK(line.in == "2m");
}

TEST_CASE("values are taken as they are", "[cli]") {
    Line line;
    REQUIRE(line.error({"-e", "[a,b]", "-e", "{}", "-e", "", "--in", "-5s", "J"}).empty());
    CHECK(line.env == Words{"[a,b]", "{}", ""});
    CHECK(line.in == "-5s");
}

TEST_CASE("what stands after -- is the command, untouched", "[cli]") {
    Line line;
    REQUIRE(
        line.error({"J", "--in", "2m", "--", "sh", "-c", "x --in y", "-q", "--", "-n"}).empty());
    CHECK(line.command == Words{"sh", "-c", "x --in y", "-q", "--", "-n"});
    CHECK_FALSE(line.quiet);
}

TEST_CASE("words without -- are refused with the right line", "[cli]") {
    Line line;
    CHECK(line.error({"alpine", "echo", "it's", "--in", "2m", "-e", "A=1 2"}) ==
          "the job's command stands after --:\n"
          "  schedctl add alpine --in 2m --env 'A=1 2' -- echo 'it'\\''s'");
    CHECK(line.error({"alpine", "2m", "--in", "2m", "ls", "-l"}) ==
          "the job's command stands after --:\n  schedctl add alpine --in 2m -- 2m ls -l");
}

TEST_CASE("a line that is wrong is told how", "[cli]") {
    Line line;
    CHECK(line.error({"J", "--inn", "2m"}) == "add has no option --inn; did you mean --in?");
    CHECK(line.error({"--zzzzzz", "J"}) == "add has no option --zzzzzz");
    CHECK(line.error({"--in", "1m", "--in", "2m", "J"}) == "--in is given twice");
    CHECK(line.error({"J", "--in"}) == "--in needs a value");
    CHECK(line.error({"J", "-n", "0"}).find("from 1 up, not \"0\"") != std::string::npos);
    CHECK(line.error({"J", "-n", "2x"}).find("not \"2x\"") != std::string::npos);
    CHECK(line.error({"J", "-n", "99999999999999999999"}).find("whole number") !=
          std::string::npos);
    CHECK(line.error({"--in", "2m"}) == "NAME is missing; see schedctl add --help");
    CHECK(line.error({"J", "--"}).find("no command after --") == 0);
}

TEST_CASE("what is not UTF-8 is refused, and the word is named", "[cli]") {
    Line line;
    CHECK(line.error({"J\xff", "--in", "2m"}) == "\"J\\xff\" is not valid UTF-8");
    CHECK(line.error({"J", "--in", "\xc0m"}) == "--in \"\\xc0m\" is not valid UTF-8");
    CHECK(line.error({"J", "-e", "A=\xff"}) == "--env \"A=\\xff\" is not valid UTF-8");
    CHECK(line.error({"J", "--", "ls", "\xff"}) ==
          "the command's word \"\\xff\" is not valid UTF-8");
    CHECK(line.error({"J\xc3\xa9", "--in", "2m", "--", "\xc3\xa9"}).empty());
    // The name of a file is any bytes.
    std::optional<std::string> file;
    line.options.value("--env-file", "FILE", file, "variables", Completes::file);
    CHECK(line.error({"J", "--env-file", "f\xff"}).empty());
    CHECK(file == "f\xff");
}

TEST_CASE("a near miss is guessed, a far one is not", "[cli]") {
    Words commands{"add", "ls", "show", "status", "resume"};
    CHECK(closest_word("lss", commands) == "ls");
    CHECK(closest_word("staus", commands) == "status");
    CHECK(closest_word("ad", commands) == "add");
    CHECK_FALSE(closest_word("frobnicate", commands));
    CHECK_FALSE(closest_word(std::string(1000, 'x'), commands));
}

TEST_CASE("every help fits 80 columns and names every option", "[cli]") {
    auto check_width = [](const std::string& text) {
        std::size_t begin = 0;
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
            std::string line = text.substr(begin, end - begin);
            INFO(line);
            CHECK(display_width(line) <= 80);
            begin = end + 1;
        }
    };
    check_width(general_help(all_commands()));
    for (const CommandRow& row : all_commands()) {
        auto command = row.make();
        OptionSet options{std::string(row.name)};
        CommonOptions common;
        command->declare(options);
        common.declare(options);
        std::string help = command_help(row, options);
        check_width(help);
        for (const auto& option : options.options())
            CHECK(help.find(option.names.back()) != std::string::npos);
        std::string family(row.family());
        std::string where =
            family.empty() ? general_help(all_commands()) : family_help(family, all_commands());
        check_width(where);
        std::string word(row.name.substr(family.empty() ? 0 : family.size() + 1));
        CHECK(where.find("  " + word + ' ') != std::string::npos);
    }
}

TEST_CASE("the help of add stays on two screens, with the options in groups", "[cli]") {
    const CommandRow& row = all_commands().front();
    REQUIRE(row.name == "add");
    auto command = row.make();
    OptionSet options{std::string(row.name)};
    CommonOptions common;
    command->declare(options);
    common.declare(options);
    std::string help = command_help(row, options);
    // The shell's own line stands below it.
    CHECK(std::count(help.begin(), help.end(), '\n') < 48);
    std::size_t place = 0;
    for (const char* title : {"\nWhen:\n",
                              "\nWhat runs:\n",
                              "\nLimits:\n",
                              "\nRetries:\n",
                              "\nIsolation:\n",
                              "\nAlso, as for docker run: --pids-limit N, ",
                              "\nAnswer:\n",
                              "\nEvery command: --json"}) {
        INFO(title << help);
        auto found = help.find(title, place);
        REQUIRE(found != std::string::npos);
        place = found;
    }
}

TEST_CASE("no two options of a command have the same name", "[cli]") {
    for (const CommandRow& row : all_commands()) {
        auto command = row.make();
        OptionSet options{std::string(row.name)};
        CommonOptions common;
        command->declare(options);
        common.declare(options);
        std::set<std::string> names;
        for (const auto& option : options.options())
            for (const std::string& name : option.names) {
                INFO(row.name << ' ' << name);
                CHECK(names.insert(name).second);
            }
    }
}

namespace {

/// What the options make of a line, or the error.
Result<JobSpec> spec_of(const Words& arguments) {
    SpecOptions spec;
    OptionSet options{"add"};
    spec.declare(options);
    if (auto parsed = options.parse(arguments); !parsed) return fail(parsed.error());
    std::vector<std::string> unset;
    return spec.read(unset);
}

std::string spec_error(const Words& arguments) {
    auto spec = spec_of(arguments);
    return spec ? "" : spec.error().message;
}

}  // namespace

TEST_CASE("each option of a specification sets its field", "[cli]") {
    auto spec = spec_of({"--image",
                         "i:1",
                         "--entrypoint",
                         "/bin/sh",
                         "-e",
                         "A=1",
                         "-w",
                         "/data",
                         "-u",
                         "1000:1000",
                         "-l",
                         "team=x=y",
                         "--label",
                         "bare",
                         "--hostname",
                         "h",
                         "-m",
                         "512m",
                         "--cpus",
                         ".5",
                         "--pids-limit",
                         "-1",
                         "--shm-size",
                         "1GiB",
                         "--ulimit",
                         "nofile=1:2",
                         "--ulimit",
                         "core=0",
                         "--timeout",
                         "10m",
                         "--stop-grace",
                         "30s",
                         "--network",
                         "none",
                         "-v",
                         "/srv/a:/a:ro",
                         "--mount",
                         "type=tmpfs,dst=/t",
                         "--tmpfs",
                         "/run",
                         "--tmpfs",
                         "/tmp:size=1m,mode=1777",
                         "--read-only",
                         "--cap-add",
                         "NET_ADMIN",
                         "--cap-drop",
                         "ALL",
                         "--security-opt",
                         "no-new-privileges",
                         "--security-opt",
                         "seccomp=unconfined",
                         "--init",
                         "--gpus",
                         "device=0,1",
                         "--priority",
                         "-5",
                         "--group",
                         "g",
                         "--expires",
                         "5m",
                         "--log-limit",
                         "1m",
                         "--retries",
                         "3",
                         "--retry-delay",
                         "5s",
                         "--retry-backoff",
                         "exponential",
                         "--retry-max-delay",
                         "1m",
                         "--retry-on",
                         "failed,lost"});
    if (!spec) FAIL(spec.error().message);
    JobSpec expected;
    expected.image = "i:1";
    expected.entrypoint = {"/bin/sh"};
    expected.env = {{"A", "1"}};
    expected.workdir = "/data";
    expected.user = "1000:1000";
    expected.labels = {{"team", "x=y"}, {"bare", ""}};
    expected.hostname = "h";
    expected.memory = Size{std::uint64_t{512} << 20U};
    expected.cpus = Cpus{500'000'000};
    expected.pids_limit = -1;
    expected.shm_size = Size{std::uint64_t{1} << 30U};
    expected.ulimits = {{"nofile", 1, 2}, {"core", 0, 0}};
    expected.timeout = Span{std::chrono::minutes(10)};
    expected.stop_grace = Span{std::chrono::seconds(30)};
    expected.network = "none";
    expected.mounts = {{MountType::bind, "/srv/a", "/a", true},
                       {MountType::tmpfs, std::nullopt, "/t", false}};
    expected.tmpfs = {{"/run", ""}, {"/tmp", "size=1m,mode=1777"}};
    expected.read_only = true;
    expected.cap_add = {"NET_ADMIN"};
    expected.cap_drop = {"ALL"};
    expected.security_opt = {"no-new-privileges", "seccomp=unconfined"};
    expected.init = true;
    expected.gpus = Gpus{0, {"0", "1"}};
    expected.priority = -5;
    expected.group = "g";
    expected.expires = Span{std::chrono::minutes(5)};
    expected.log_limit = Size{1 << 20};
    expected.retries = Retries{3,
                               Span{std::chrono::seconds(5)},
                               Backoff::exponential,
                               Span{std::chrono::minutes(1)},
                               {FinishStatus::failed, FinishStatus::lost}};
    CHECK(*spec == expected);
    CHECK(*spec_of({}) == JobSpec{});
    // No field without an option; the command stands after `--`.
    std::string json = encode(*spec);
    for (std::string_view name : field_names<JobSpec>()) {
        INFO(name);
        CHECK((name == "command" || json.find(fmt::format("\"{}\":", name)) != std::string::npos));
    }
}

TEST_CASE("a bad value of an option is told with the option and the right form", "[cli]") {
    auto begins = [](const Words& arguments, const std::string& begin) {
        std::string message = spec_error(arguments);
        INFO(message);
        CHECK(message.find(begin) == 0);
    };
    begins({"-m", "512"}, "--memory: size \"512\" has no unit");
    begins({"--shm-size", "x"}, "--shm-size: size \"x\" does not begin");
    begins({"--cpus", "two"}, "--cpus: number \"two\" is not a decimal number");
    begins({"--pids-limit", "many"}, "--pids-limit takes a whole number, not \"many\"");
    begins({"--pids-limit", "1x"}, "--pids-limit takes a whole number, not \"1x\"");
    begins({"--ulimit", "nofile"}, "--ulimit: limit \"nofile\" has no =");
    begins({"--timeout", "soon"}, "--timeout: time \"soon\"");
    begins({"--stop-grace", "1h30m"}, "--stop-grace: time \"1h30m\"");
    begins({"--gpus", "none"}, "--gpus: value \"none\" is not all");
    begins({"--memory", "1g", "-m", "2g"}, "--memory is given twice");
    begins({"--retries", "many"}, "--retries takes a whole number");
    begins({"--retry-delay", "5s"},
           "how it is tried again is given, and not how often; add --retries N");
    begins({"--retries", "1", "--retry-delay", "5"}, "--retry-delay: time \"5\"");
    begins({"--retries", "1", "--retry-backoff", "linear"},
           "--retry-backoff: backoff \"linear\" is not one of fixed, exponential");
    begins({"--retries", "1", "--retry-on", "failed,never"}, "--retry-on: ");
    begins({"--security-opt", "seccomp=/nonexistent"},
           "--security-opt seccomp /nonexistent: No such file");
    begins({"-v", "/a:/b:rx"}, "-v \"/a:/b:rx\" ends with neither ro nor rw; write SRC:DST");
}

TEST_CASE("the option -v is read as docker reads it", "[cli]") {
    CHECK(*parse_volume_option("/a b:/c") == Mount{MountType::bind, "/a b", "/c", false});
    CHECK(*parse_volume_option("/a:/c:ro") == Mount{MountType::bind, "/a", "/c", true});
    CHECK(*parse_volume_option("/a:/c:rw") == Mount{MountType::bind, "/a", "/c", false});
    CHECK(*parse_volume_option("data:/c:ro") == Mount{MountType::volume, "data", "/c", true});
    CHECK(*parse_volume_option("/c") == Mount{MountType::volume, std::nullopt, "/c", false});
    for (auto [text, reason] : {std::pair{"", "has an empty part"},
                                {":/c", "has an empty part"},
                                {"/a:", "has an empty part"},
                                {"/a:/c:", "has an empty part"},
                                {"/a:/c:ro:x", "has too many parts"},
                                {"/a:/c:z", "ends with neither ro nor rw"},
                                {"./a:/c", "has a relative source"},
                                {"~/a:/c", "has a relative source"}}) {
        INFO(text);
        auto mount = parse_volume_option(text);
        REQUIRE_FALSE(mount);
        CHECK(mount.error().message.find(reason) != std::string::npos);
        CHECK(mount.error().message.find("-v \"" + std::string(text) + "\"") == 0);
    }
}

TEST_CASE("the option --mount is read as docker reads it", "[cli]") {
    CHECK(*parse_mount_option("type=bind,source=/a,target=/c,readonly") ==
          Mount{MountType::bind, "/a", "/c", true});
    CHECK(*parse_mount_option("type=bind,src=/a,dst=/c,ro=false") ==
          Mount{MountType::bind, "/a", "/c", false});
    CHECK(*parse_mount_option("source=data,destination=/c,readonly=true") ==
          Mount{MountType::volume, "data", "/c", true});
    CHECK(*parse_mount_option("target=/c") == Mount{MountType::volume, std::nullopt, "/c", false});
    CHECK(mount_text(*parse_mount_option("type=bind,src=/a,dst=/c,ro")) ==
          "type=bind,source=/a,target=/c,readonly");
    for (auto [text, reason] : {std::pair{"", "holds \"\", which is none of"},
                                {"type=bind,source=/a", "has no target"},
                                {"type=nfs,target=/c", "can't be used: type \"nfs\" is not one of"},
                                {"target=/c,readonly=maybe", "holds \"readonly=maybe\""},
                                {"target=/c,tmpfs-size=1m", "holds \"tmpfs-size=1m\""},
                                {"target=/c,bind-propagation=shared", "holds \"bind-prop"},
                                {"target=/c,target", "holds \"target\""}}) {
        INFO(text);
        auto mount = parse_mount_option(text);
        REQUIRE_FALSE(mount);
        CHECK(mount.error().message.find(reason) != std::string::npos);
        CHECK(mount.error().message.find("--mount \"" + std::string(text) + "\"") == 0);
    }
}

TEST_CASE("a job's environment is read as docker reads it", "[cli]") {
    auto lookup = [](const std::string& name) -> std::optional<std::string> {
        if (name == "HOME") return "/home/ana";
        return std::nullopt;
    };
    JobEnvironment environment;
    REQUIRE(add_variables_of(environment, "# a\n\n  A=1 # kept\nHOME\r\nB=\nNOT_SET", "f", lookup));
    REQUIRE(add_variable(environment, "A=2=3", lookup));
    CHECK(environment.values ==
          std::map<std::string, std::string>{{"A", "2=3"}, {"B", ""}, {"HOME", "/home/ana"}});
    CHECK(environment.unset == std::vector<std::string>{"NOT_SET"});
    CHECK_FALSE(add_variable(environment, "=x", lookup));
    CHECK_FALSE(add_variable(environment, "a b=x", lookup));
    CHECK(add_variables_of(environment, "A=1\n=x\n", "vars", lookup)
              .error()
              .message.find("vars:2: ") == 0);
    CHECK(add_variable(environment, "A\xff=1", lookup).error().message ==
          "variable name \"A\\xff\" is not valid UTF-8");
    CHECK(add_variable(environment, "A=\xff", lookup).error().message ==
          "the value of A is not valid UTF-8 without NUL");
    CHECK_FALSE(add_variable(environment, std::string("A=\0", 3), lookup));
    CHECK_FALSE(add_variable(environment, "BAD", [](const std::string&) { return "\xff"; }));
    CHECK(read_small_file("--env-file", "/nonexistent").error().message ==
          "--env-file /nonexistent: No such file or directory");
}

TEST_CASE("since takes a length of time or leaves the moment to the daemon", "[cli]") {
    TimePoint now = parse_rfc3339("2027-06-20T17:00:00Z").value();
    auto since = [&](std::optional<std::string> text) {
        return since_option("--since", text, now);
    };
    CHECK(since("10m").value() == "2027-06-20T16:50:00.000Z");
    CHECK(since("20-06-2027 10:00:00").value() == "20-06-2027 10:00:00");
    CHECK(since("20:00").value() == "20:00");
    CHECK_FALSE(since(std::nullopt).value());
    CHECK(since("fo\no").error().message.find("--since \"fo\\no\" is not a moment") == 0);
    CHECK(check_at("tomorrow 03:00"));
    CHECK(check_at("25:00").error().message.find("--at: date \"25:00\" names a time") == 0);
    CHECK(span_option("--for", "2h30m").error().message.find("--for: time \"2h30m\"") == 0);
}

TEST_CASE("a job's exit code is its own, or says why there is none", "[cli]") {
    auto code = [](FinishStatus status, std::optional<std::int64_t> exit_code) {
        Job job;
        job.finish_status = status;
        job.exit_code = exit_code;
        return exit_code_of(job);
    };
    CHECK(code(FinishStatus::success, 0) == 0);
    CHECK(code(FinishStatus::failed, 3) == 3);
    CHECK(code(FinishStatus::failed, std::nullopt) == 125);
    CHECK(code(FinishStatus::failed, 0) == 125);
    CHECK(code(FinishStatus::failed, 3000) == 125);
    CHECK(code(FinishStatus::timed_out, 143) == 124);
    CHECK(code(FinishStatus::killed, 0) == 137);
    CHECK(code(FinishStatus::lost, std::nullopt) == 125);
    CHECK(code(FinishStatus::did_not_run, std::nullopt) == 125);
    CHECK(exit_code_of(Job{}) == 125);
}

}  // namespace scheduler
