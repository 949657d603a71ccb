#include "daemon/options.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/size.hpp"
#include "common/socket_path.hpp"
#include "daemon/config_file.hpp"
#include "daemon/option_layers.hpp"

namespace scheduler {
namespace {

std::string variable(const Surroundings& surroundings, const std::string& name) {
    auto found = surroundings.environment.find(name);
    return found == surroundings.environment.end() ? "" : found->second;
}

/// The config file that nobody named: a user's own, then the system's; empty when there is none.
std::string default_config(const Surroundings& surroundings) {
    std::vector<std::string> candidates;
    auto config_home = variable(surroundings, "XDG_CONFIG_HOME");
    if (auto home = variable(surroundings, "HOME"); config_home.empty() && !home.empty())
        config_home = home + "/.config";
    if (surroundings.uid != 0 && !config_home.empty())
        candidates.push_back(config_home + "/schedulerd/schedulerd.conf");
    candidates.push_back(surroundings.system_config);
    for (const std::string& path : candidates)
        if (std::error_code ignored; std::filesystem::exists(path, ignored)) return path;
    return "";
}

std::string absolute(const std::string& path, const Surroundings& surroundings) {
    if (path.empty()) return path;
    return (std::filesystem::path(surroundings.working_dir) / path).lexically_normal().string();
}

Result<Done> set_paths(Options& options,
                       const WrittenOptions& written,
                       const Surroundings& surroundings) {
    SocketEnvironment environment{.socket = "",
                                  .runtime_dir = variable(surroundings, "XDG_RUNTIME_DIR"),
                                  .state_home = variable(surroundings, "XDG_STATE_HOME"),
                                  .home = variable(surroundings, "HOME"),
                                  .has_run_user = surroundings.has_run_user};
    options.state_dir = absolute(written.state_dir, surroundings);
    if (options.state_dir.empty())
        options.state_dir = default_state_dir(environment, surroundings.uid);
    if (options.state_dir.empty())
        return fail(ErrorCode::bad_field,
                    "there is no home directory for the state; say --state-dir DIR");
    options.socket = absolute(written.socket, surroundings);
    if (options.socket.empty()) options.socket = default_socket_path(environment, surroundings.uid);
    if (options.socket.empty()) options.socket = options.state_dir + "/schedulerd.sock";
    constexpr std::size_t length_max = sizeof(sockaddr_un::sun_path) - 1;
    if (options.socket.size() > length_max)
        return fail(
            ErrorCode::bad_field,
            fmt::format("the socket's path {} has {} bytes, and Unix takes {}; say --socket PATH",
                        options.socket,
                        options.socket.size(),
                        length_max));
    return Done{};
}

Result<Done> set_listeners(Options& options, const WrittenOptions& written) {
    if (written.no_http) return Done{};
    for (const std::string& text : written.listen) {
        auto address = ListenAddress::parse(text);
        if (!address) return fail(address.error());
        if (std::find(options.listen.begin(), options.listen.end(), *address) ==
            options.listen.end())
            options.listen.push_back(std::move(*address));
    }
    if (options.listen.empty()) options.listen = {{"127.0.0.1", 8888, false}, {"::1", 8888, true}};
    return Done{};
}

Result<Done> set_tokens(Options& options,
                        const WrittenOptions& written,
                        const Surroundings& surroundings) {
    options.token_file = absolute(written.token_file, surroundings);
    if (!options.token_file.empty()) {
        auto tokens = read_token_file(options.token_file);
        if (!tokens) return fail(tokens.error());
        options.tokens = std::move(*tokens);
    }
    if (!options.tokens.empty() || options.insecure_no_token) return Done{};
    for (const ListenAddress& address : options.listen)
        if (!address.is_loopback())
            return fail(
                ErrorCode::bad_field,
                fmt::format(
                    "{} can be reached from other machines, so HTTP needs a token there; say "
                    "--token-file FILE, or --insecure-no-token if nobody else gets there",
                    address.to_string()));
    return Done{};
}

LogLevel to_log_level(const std::string& word) {
    if (word == "debug") return LogLevel::debug;
    if (word == "warning") return LogLevel::warning;
    return word == "error" ? LogLevel::error : LogLevel::info;
}

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
        case LogLevel::info:
            break;
    }
    return "info";
}

/// The parser checked the words.
Result<Done> set_retention(Options& options, const WrittenOptions& written) {
    options.history_age.reset();
    options.history_count.reset();
    if (written.history_age != Options::unlimited) {
        auto age = parse_duration(written.history_age);
        if (!age) return fail(age.error());
        options.history_age = *age;
    }
    if (written.history_count != Options::unlimited)
        options.history_count = std::stoll(written.history_count);
    options.log_total_is_unlimited = written.log_total == Options::unlimited;
    if (written.log_total.empty() || options.log_total_is_unlimited) return Done{};
    auto total = parse_size(written.log_total);
    if (!total) return fail(total.error());
    options.log_total = *total;
    return Done{};
}

Result<Options> resolve(const WrittenOptions& written, const Surroundings& surroundings) {
    Options options;
    if (auto result = set_paths(options, written, surroundings); !result)
        return fail(result.error());
    if (auto result = set_listeners(options, written); !result) return fail(result.error());
    options.insecure_no_token = written.insecure_no_token;
    if (auto result = set_tokens(options, written, surroundings); !result)
        return fail(result.error());
    auto log_limit = parse_size(written.log_limit);
    if (!log_limit) return fail(log_limit.error());
    options.log_limit = *log_limit;
    if (auto result = set_retention(options, written); !result) return fail(result.error());
    options.socket_group = written.socket_group;
    options.engine = written.engine;
    options.docker_host = variable(surroundings, "DOCKER_HOST");
    options.max_running = written.max_running;
    if (written.max_starting > 0) options.max_starting = written.max_starting;
    options.allowed_hosts = written.allowed_hosts;
    options.refuse_past_dates = written.past_date == "refuse";
    options.paused = written.paused;
    options.log_format = written.log_format == "json" ? LogFormat::json : LogFormat::text;
    options.log_level = to_log_level(written.log_level);
    options.restore = absolute(written.restore, surroundings);
    options.run_missed = written.run_missed;
    if (options.run_missed && options.restore.empty())
        return fail(ErrorCode::bad_field,
                    "--run-missed says what --restore FILE does with jobs that came due since the "
                    "backup; give both");
    return options;
}

std::string find_config(const OptionLayers& layers, const Surroundings& surroundings) {
    auto path = layers.flags().has("config") ? layers.flags().written().config
                                             : variable(surroundings, "SCHEDULERD_CONFIG");
    return path.empty() ? default_config(surroundings) : absolute(path, surroundings);
}

}  // namespace

Surroundings Surroundings::of_process() {
    Surroundings surroundings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view text(*entry);
        auto equals = text.find('=');
        if (equals != std::string_view::npos)
            surroundings.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    surroundings.uid = ::geteuid();
    struct stat status {};
    auto run_user = fmt::format("/run/user/{}", surroundings.uid);
    surroundings.has_run_user = ::stat(run_user.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    std::error_code ignored;
    surroundings.working_dir = std::filesystem::current_path(ignored).string();
    return surroundings;
}

Result<ParsedOptions> parse_options(int argc,
                                    const char* const* argv,
                                    const Surroundings& surroundings) {
    OptionLayers layers;
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i)
        arguments.emplace_back(argv[i]);
    if (auto result = layers.add_flags(std::move(arguments)); !result) return fail(result.error());
    if (!layers.flags().text().empty())
        return ParsedOptions{ParsedOptions::Action::print, {}, layers.flags().text()};
    if (auto result = layers.add_environment(surroundings.environment); !result)
        return fail(result.error());
    auto config_file = find_config(layers, surroundings);
    if (!config_file.empty()) {
        auto entries = read_config_file(config_file);
        if (!entries) return fail(entries.error());
        if (auto result = layers.add_file(*entries, config_file); !result)
            return fail(result.error());
    }
    auto written = layers.together();
    if (!written) return fail(written.error());
    auto options = resolve(*written, surroundings);
    if (!options) return fail(options.error());
    options->config_file = config_file;
    ParsedOptions parsed{ParsedOptions::Action::serve, std::move(*options), ""};
    if (!parsed.options.restore.empty()) parsed.action = ParsedOptions::Action::restore;
    if (written->check_config) {
        parsed.action = ParsedOptions::Action::print;
        parsed.text = describe(parsed.options);
    } else if (written->check_database) {
        parsed.action = ParsedOptions::Action::check_database;
    }
    return parsed;
}

std::string describe(const Options& options) {
    std::string text = fmt::format(
        "# in force: {}\n", options.config_file.empty() ? "no config file" : options.config_file);
    auto add = [&](std::string_view key, const std::string& value) {
        text += fmt::format("{} = {}\n", key, value);
    };
    auto add_path = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) add(key, quote_config_value(value));
    };
    std::vector<std::string> listen;
    for (const ListenAddress& address : options.listen)
        listen.push_back(quote_config_value(address.to_string()));
    if (listen.empty())
        add("no-http", "true");
    else
        add("listen", fmt::format("[{}]", fmt::join(listen, ", ")));
    add_path("socket", options.socket);
    add_path("socket-group", options.socket_group);
    add_path("state-dir", options.state_dir);
    add_path("engine", options.engine);
    add("max-running", std::to_string(options.max_running));
    if (options.max_starting) add("max-starting", std::to_string(*options.max_starting));
    add_path("token-file", options.token_file);
    if (!options.allowed_hosts.empty())
        add("allowed-host", fmt::format("[\"{}\"]", fmt::join(options.allowed_hosts, "\", \"")));
    add("insecure-no-token", options.insecure_no_token ? "true" : "false");
    add("past-date", options.refuse_past_dates ? "refuse" : "run");
    add("log-limit", size_to_string(options.log_limit));
    const std::string unlimited(Options::unlimited);
    if (options.log_total || options.log_total_is_unlimited)
        add("log-total", options.log_total ? size_to_string(*options.log_total) : unlimited);
    add("history-age", options.history_age ? to_string(*options.history_age) : unlimited);
    add("history-count",
        options.history_count ? std::to_string(*options.history_count) : unlimited);
    add("paused", options.paused ? "true" : "false");
    add("log-format", options.log_format == LogFormat::json ? "json" : "text");
    add("log-level", std::string(to_string(options.log_level)));
    return text;
}

}  // namespace scheduler
