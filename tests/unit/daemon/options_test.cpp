#include "daemon/options.hpp"

#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.hpp"

using namespace scheduler;
using test::TempDir;

namespace {

/// Parses as in a machine of the test's own: nothing comes from the real one.
struct Machine {
    Surroundings surroundings{.environment = {},
                              .uid = 0,
                              .has_run_user = false,
                              .working_dir = "/work-dir",
                              .system_config = "/nonexistent/schedulerd.conf"};

    [[nodiscard]] Result<ParsedOptions> parse(std::vector<const char*> arguments) const {
        arguments.insert(arguments.begin(), "schedulerd");
        return parse_options(static_cast<int>(arguments.size()), arguments.data(), surroundings);
    }
    [[nodiscard]] Options options(std::vector<const char*> arguments = {}) const {
        auto parsed = parse(std::move(arguments));
        if (!parsed) FAIL(parsed.error().message);
        CHECK(parsed->action == ParsedOptions::Action::serve);
        return parsed->options;
    }
    [[nodiscard]] std::string error(std::vector<const char*> arguments) const {
        auto parsed = parse(std::move(arguments));
        if (parsed) FAIL("the options were taken");
        return parsed.error().message;
    }
    void set(const std::string& name, const std::string& value) {
        surroundings.environment[name] = value;
    }
};

std::vector<std::string> to_strings(const std::vector<ListenAddress>& addresses) {
    std::vector<std::string> texts;
    for (const auto& address : addresses)
        texts.push_back(address.to_string());
    return texts;
}

using Strings = std::vector<std::string>;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

}  // namespace

TEST_CASE("without options root's daemon has the defaults of the manual", "[options]") {
    auto options = Machine().options();
    CHECK(to_strings(options.listen) == Strings{"127.0.0.1:8888", "[::1]:8888"});
    CHECK_FALSE(options.listen.front().may_be_missing);
    CHECK(options.listen.back().may_be_missing);
    CHECK(options.socket == "/run/schedulerd/schedulerd.sock");
    CHECK(options.state_dir == "/var/lib/schedulerd");
    CHECK(options.engine.empty());
    CHECK(options.max_running == 100);
    CHECK_FALSE(options.max_starting);
    CHECK(options.log_limit == 10 * 1024 * 1024);
    CHECK_FALSE(options.refuse_past_dates);
    CHECK_FALSE(options.paused);
    CHECK(options.log_format == LogFormat::text);
    CHECK(options.log_level == LogLevel::info);
    CHECK(options.config_file.empty());
}

TEST_CASE("a user's daemon keeps its state and socket at home", "[options]") {
    Machine machine;
    machine.surroundings.uid = 1000;
    machine.set("HOME", "/home/ada");
    CHECK(machine.options().state_dir == "/home/ada/.local/state/schedulerd");
    CHECK(machine.options().socket == "/home/ada/.local/state/schedulerd/schedulerd.sock");
    machine.set("XDG_STATE_HOME", "/home/ada/state");
    machine.set("XDG_RUNTIME_DIR", "/run/user/1000");
    CHECK(machine.options().state_dir == "/home/ada/state/schedulerd");
    CHECK(machine.options().socket == "/run/user/1000/schedulerd.sock");
}

TEST_CASE("a user without a home must name the state directory", "[options]") {
    Machine machine;
    machine.surroundings.uid = 1000;
    CHECK_THAT(machine.error({}), Contains("--state-dir"));
    CHECK(machine.options({"--state-dir", "/srv/s"}).socket == "/srv/s/schedulerd.sock");
}

TEST_CASE("every flag is taken", "[options]") {
    TempDir dir;
    auto tokens = dir.write("tokens", "ada 0123456789abcdef\n").string();
    std::filesystem::permissions(tokens, std::filesystem::perms(0600));
    auto options = Machine().options({"--listen",
                                      "0.0.0.0:80",
                                      "--listen=[::1]:81",
                                      "--socket",
                                      "/s",
                                      "--socket-group",
                                      "g",
                                      "--state-dir",
                                      "/d",
                                      "--engine",
                                      "tcp://h:2375",
                                      "--max-running",
                                      "7",
                                      "--max-starting",
                                      "3",
                                      "--token-file",
                                      tokens.c_str(),
                                      "--allowed-host",
                                      "a.example",
                                      "--allowed-host",
                                      "b.example",
                                      "--past-date",
                                      "refuse",
                                      "--log-limit",
                                      "1g",
                                      "--paused",
                                      "--log-format",
                                      "json",
                                      "--log-level",
                                      "debug"});
    CHECK(to_strings(options.listen) == Strings{"0.0.0.0:80", "[::1]:81"});
    CHECK(options.socket == "/s");
    CHECK(options.socket_group == "g");
    CHECK(options.state_dir == "/d");
    CHECK(options.engine == "tcp://h:2375");
    CHECK(options.max_running == 7);
    CHECK(options.max_starting == 3);
    REQUIRE(options.tokens.size() == 1);
    CHECK(options.tokens.front().name == "ada");
    CHECK(options.allowed_hosts == Strings{"a.example", "b.example"});
    CHECK(options.refuse_past_dates);
    CHECK(options.log_limit == std::uint64_t{1} << 30U);
    CHECK(options.paused);
    CHECK(options.log_format == LogFormat::json);
    CHECK(options.log_level == LogLevel::debug);
}

TEST_CASE("a flag beats a variable, which beats the file, which beats the default", "[options]") {
    TempDir dir;
    auto file =
        dir.write("c",
                  "max-running = 1\nmax-starting = 1\nlog-level = error\nlisten = 127.0.0.1:1\n")
            .string();
    Machine machine;
    machine.set("SCHEDULERD_CONFIG", file);
    machine.set("SCHEDULERD_MAX_RUNNING", "2");
    machine.set("SCHEDULERD_MAX_STARTING", "2");
    machine.set("SCHEDULERD_LISTEN", "127.0.0.1:2,[::1]:2");
    auto options = machine.options({"--max-running", "3"});
    CHECK(options.max_running == 3);
    CHECK(options.max_starting == 2);
    CHECK(options.log_level == LogLevel::error);
    CHECK(options.log_format == LogFormat::text);
    CHECK(to_strings(options.listen) == Strings{"127.0.0.1:2", "[::1]:2"});
    CHECK(to_strings(machine.options({"--listen", "127.0.0.1:3"}).listen) ==
          Strings{"127.0.0.1:3"});
    CHECK(options.config_file == file);
}

TEST_CASE("an empty variable is like none", "[options]") {
    Machine machine;
    machine.set("SCHEDULERD_MAX_RUNNING", "");
    machine.set("SCHEDULERD_CONFIG", "");
    CHECK(machine.options().max_running == 100);
}

TEST_CASE("the last of a flag that is given twice counts", "[options]") {
    CHECK(Machine().options({"--max-running", "3", "--max-running", "4"}).max_running == 4);
}

TEST_CASE("no-http and listen exclude each other in one place, and the higher layer wins",
          "[options]") {
    Machine machine;
    CHECK(machine.options({"--no-http"}).listen.empty());
    CHECK_THAT(machine.error({"--no-http", "--listen", "127.0.0.1:1"}),
               Contains("exclude each other"));
    machine.set("SCHEDULERD_NO_HTTP", "true");
    CHECK(machine.options().listen.empty());
    CHECK(machine.options({"--listen", "127.0.0.1:1"}).listen.size() == 1);
}

TEST_CASE("relative paths start at the working directory", "[options]") {
    auto options = Machine().options({"--state-dir", "state", "--socket", "../s.sock"});
    CHECK(options.state_dir == "/work-dir/state");
    CHECK(options.socket == "/s.sock");
}

TEST_CASE("listening beyond loopback needs a token, or a word that it is safe", "[options]") {
    Machine machine;
    for (const char* address :
         {"0.0.0.0:8888", "[::]:8888", "192.0.2.1:8888", "host.example:8888"}) {
        CAPTURE(address);
        CHECK_THAT(machine.error({"--listen", address}),
                   StartsWith(address) && Contains("--token-file"));
        CHECK(machine.options({"--listen", address, "--insecure-no-token"}).insecure_no_token);
    }
    CHECK(
        machine
            .options({"--listen", "127.9.9.9:0", "--listen", "localhost:1", "--listen", "[::1]:2"})
            .listen.size() == 3);
}

TEST_CASE("bad values of flags are refused with the flag's name", "[options]") {
    auto [flag, value] = GENERATE(table<const char*, const char*>(
        {{"--listen", "8888"},        {"--listen", "::1:8888"},
         {"--listen", "[::1]"},       {"--listen", "a:65536"},
         {"--listen", "a:-1"},        {"--listen", ":80"},
         {"--listen", "a b:80"},      {"--max-running", "0"},
         {"--max-running", "-1"},     {"--max-running", "x"},
         {"--max-running", "100001"}, {"--max-starting", "0"},
         {"--engine", "docker.sock"}, {"--engine", "unix://relative"},
         {"--engine", "ssh://host"},  {"--engine", "tcp://host"},
         {"--past-date", "maybe"},    {"--log-limit", "10"},
         {"--log-limit", "1KiB"},     {"--log-format", "xml"},
         {"--log-level", "loud"},     {"--allowed-host", "http://a/"},
         {"--state-dir", ""},         {"--socket", ""}}));
    CAPTURE(flag, value);
    CHECK_THAT(Machine().error({flag, value}), StartsWith(flag) && Contains("--help"));
}

TEST_CASE("what is no option is refused", "[options]") {
    CHECK_THAT(Machine().error({"--listn", "x"}), Contains("--listn"));
    CHECK_THAT(Machine().error({"serve"}), Contains("serve"));
    CHECK_THAT(Machine().error({"--max-running"}), Contains("--max-running"));
}

TEST_CASE("a bad variable is refused with its name", "[options]") {
    Machine machine;
    machine.set("SCHEDULERD_NO_HTTP", "maybe");
    CHECK_THAT(machine.error({}), StartsWith("SCHEDULERD_NO_HTTP: "));
}

TEST_CASE("an error in the config file names its line", "[options]") {
    auto [text, expected] = GENERATE(table<const char*, const char*>(
        {{"max-running = 1\nmax-runing = 2\n", "line 2: \"max-runing\" is no known key"},
         {"\n# comment\nmax-running = lots\n", "line 3: max-running: Value lots not in range"},
         {"max-running = 1\nmax-running = 2\n",
          "line 2: max-running takes one value, and line 1 gives it too"},
         {"max-running = [1, 2]\n", "line 1: max-running takes one value"},
         {"socket = /a b\n", "line 1: socket takes one value"},
         {"config = /x\n", "line 1: config can't be set in the file"},
         {"help = true\n", "line 1: help can't be set in the file"},
         {"--paused = true\n", "line 1: \"--paused\" is no known key"},
         {"[defaults]\ntimeout = 1m\n", "line 1: [defaults] begins a section"},
         {"paused\n", "line 1: \"paused\" is not key = value"},
         {"token-file = /a#b\n", "line 1: a # begins a comment"},
         {"socket =\n", "line 1: "},
         {"paused = maybe\n", "line 1: paused: "}}));
    TempDir dir;
    auto file = dir.write("c", text).string();
    CAPTURE(text);
    CHECK_THAT(Machine().error({"--config", file.c_str()}), StartsWith(file) && Contains(expected));
}

TEST_CASE("the config file takes comments, quotes, lists, and IPv6 addresses without quotes",
          "[options]") {
    TempDir dir;
    auto file = dir.write("c",
                          "# a comment\r\n"
                          "; another\n\n"
                          "  listen = [::1]:8888   # a comment\n"
                          "listen = [\"127.0.0.1:1\", '127.0.0.1:2']\n"
                          "state-dir = \"/srv/my state\"\n"
                          "paused = true\n"
                          "log-limit=1MiB");
    auto options = Machine().options({"--config", file.c_str()});
    CHECK(to_strings(options.listen) == Strings{"[::1]:8888", "127.0.0.1:1", "127.0.0.1:2"});
    CHECK(options.state_dir == "/srv/my state");
    CHECK(options.paused);
    CHECK(options.log_limit == 1024 * 1024);
}

TEST_CASE("a config file that was named must be there, the default one need not", "[options]") {
    Machine machine;
    CHECK_THAT(machine.error({"--config", "/nonexistent/c"}),
               Contains("/nonexistent/c can't be read"));
    CHECK_THAT(machine.error({"--config", "/"}), Contains("can't be read"));
    machine.set("SCHEDULERD_CONFIG", "/nonexistent/v");
    CHECK_THAT(machine.error({}), Contains("/nonexistent/v can't be read"));
}

TEST_CASE("the default config files are the system's, and before it a user's own", "[options]") {
    TempDir dir;
    Machine machine;
    machine.surroundings.system_config =
        dir.write("etc/schedulerd.conf", "max-running = 5\n").string();
    CHECK(machine.options().max_running == 5);
    machine.surroundings.uid = 1000;
    machine.set("HOME", dir.path().string());
    CHECK(machine.options().max_running == 5);
    dir.write(".config/schedulerd/schedulerd.conf", "max-running = 6\n");
    CHECK(machine.options().max_running == 6);
}

TEST_CASE("retention has bounds, and can be without any", "[options]") {
    Machine machine;
    auto by_default = machine.options();
    CHECK(by_default.history_age == std::chrono::hours(24 * 30));
    CHECK(by_default.history_count == 1'000'000);
    CHECK_FALSE(by_default.log_total);
    CHECK_FALSE(by_default.log_total_is_unlimited);

    CHECK(machine.options({"--history-age", "60s"}).history_age == Options::history_age_min);
    CHECK_THAT(machine.error({"--history-age", "59s"}), Contains("\"59s\" is less than 1m"));
    CHECK(machine.options({"--history-count", "1"}).history_count == 1);
    CHECK_THAT(machine.error({"--history-count", "0"}), Contains("\"0\""));
    CHECK(machine.options({"--history-count", "1000000000000"}).history_count ==
          Options::history_count_max);
    CHECK_THAT(machine.error({"--history-count", "1000000000001"}), Contains("1000000000001"));
    CHECK_THAT(machine.error({"--history-count", "5x"}), Contains("5x"));
    CHECK(machine.options({"--log-total", "1MiB"}).log_total == Options::log_total_min);
    CHECK_THAT(machine.error({"--log-total", "1023KiB"}), Contains("less than 1MiB"));

    auto unlimited = machine.options(
        {"--history-age", "unlimited", "--history-count", "unlimited", "--log-total", "unlimited"});
    CHECK_FALSE(unlimited.history_age);
    CHECK_FALSE(unlimited.history_count);
    CHECK(unlimited.log_total_is_unlimited);
    CHECK_THAT(describe(unlimited),
               Contains("history-age = unlimited\n") && Contains("log-total = unlimited\n"));
}

TEST_CASE("check-config prints what is in force, and that can be read back", "[options]") {
    TempDir dir;
    Machine machine;
    auto parsed = machine.parse({"--check-config",
                                 "--listen",
                                 "[::1]:1",
                                 "--listen",
                                 "127.0.0.1:2",
                                 "--state-dir",
                                 "/a b",
                                 "--max-starting",
                                 "4",
                                 "--allowed-host",
                                 "x.example",
                                 "--log-limit",
                                 "1500000B"});
    REQUIRE(parsed);
    CHECK(parsed->action == ParsedOptions::Action::print);
    auto file = dir.write("c", parsed->text);
    auto again = machine.options({"--config", file.c_str()});
    again.config_file.clear();
    CHECK(describe(again) == parsed->text);
    auto unserved = describe(machine.options({"--no-http"}));
    file = dir.write("d", unserved);
    CHECK(machine.options({"--config", file.c_str()}).listen.empty());
}

TEST_CASE("check-database is a task of its own, and no key of the file", "[options]") {
    TempDir dir;
    auto parsed = Machine().parse({"--check-database", "--state-dir", "/s"});
    REQUIRE(parsed);
    CHECK(parsed->action == ParsedOptions::Action::check_database);
    CHECK(parsed->options.state_dir == "/s");
    auto file = dir.write("c", "check-database = true\n");
    CHECK_THAT(Machine().error({"--config", file.c_str()}), Contains("check-database"));
}

TEST_CASE("check-config looks at the token file, and shows no token", "[options]") {
    TempDir dir;
    auto file = dir.write("tokens", "ada 0123456789abcdef\n");
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    auto parsed = Machine().parse({"--check-config", "--token-file", file.c_str()});
    REQUIRE(parsed);
    CHECK_THAT(parsed->text, Contains(file.string()) && !Contains("0123456789abcdef"));
    CHECK_THAT(Machine().error({"--check-config", "--token-file", "/nonexistent/t"}),
               Contains("/nonexistent/t"));
}

TEST_CASE("help fits 80 columns and shows every option; version is one line", "[options]") {
    auto help = Machine().parse({"--help"});
    REQUIRE(help);
    CHECK(help->action == ParsedOptions::Action::print);
    std::istringstream lines(help->text);
    for (std::string line; std::getline(lines, line);)
        CHECK(line.size() <= 80);
    for (const char* flag : {"--listen",
                             "--no-http",
                             "--socket",
                             "--socket-group",
                             "--state-dir",
                             "--engine",
                             "--max-running",
                             "--max-starting",
                             "--token-file",
                             "--allowed-host",
                             "--insecure-no-token",
                             "--past-date",
                             "--log-limit",
                             "--log-total",
                             "--history-age",
                             "--history-count",
                             "--config",
                             "--check-config",
                             "--paused",
                             "--log-format",
                             "--log-level",
                             "--version",
                             "--help"})
        CHECK_THAT(help->text, Contains(flag));
    auto version = Machine().parse({"--version"});
    REQUIRE(version);
    CHECK_THAT(version->text, StartsWith("schedulerd ") && Catch::Matchers::EndsWith("\n"));
}

TEST_CASE("a socket path that Unix can't hold is refused", "[options]") {
    std::string path = "/" + std::string(107, 'x');
    CHECK_THAT(Machine().error({"--socket", path.c_str()}), Contains("108 bytes"));
    path.pop_back();
    CHECK(Machine().options({"--socket", path.c_str()}).socket == path);
}

TEST_CASE("restore takes a file, and run-missed belongs to it", "[options]") {
    auto parsed = Machine().parse({"--restore", "copy.db", "--run-missed"});
    REQUIRE(parsed);
    CHECK(parsed->action == ParsedOptions::Action::restore);
    CHECK(parsed->options.restore == "/work-dir/copy.db");
    CHECK(parsed->options.run_missed);
    CHECK_FALSE(Machine().parse({"--restore", "/copy.db"})->options.run_missed);
    CHECK_THAT(Machine().error({"--run-missed"}), Contains("--restore FILE"));
    CHECK_THAT(Machine().error({"--restore", ""}), Contains("--restore"));

    // What is done once is no setting.
    TempDir dir;
    auto file = dir.write("conf", "restore = /copy.db\n");
    CHECK_THAT(Machine().error({"--config", file.c_str()}), Contains("can't be set in the file"));
    Machine machine;
    machine.set("SCHEDULERD_RESTORE", "/copy.db");
    CHECK(machine.options().restore.empty());
}
