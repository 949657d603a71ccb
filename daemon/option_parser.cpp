#include "daemon/option_parser.hpp"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/size.hpp"
#include "daemon/options.hpp"

namespace scheduler {
namespace {

std::string check_listen(const std::string& text) {
    auto address = ListenAddress::parse(text);
    return address ? "" : address.error().message;
}

std::string check_engine(const std::string& text) {
    constexpr std::string_view unix_scheme = "unix://";
    constexpr std::string_view tcp_scheme = "tcp://";
    if (text.rfind(unix_scheme, 0) == 0 && text.size() > unix_scheme.size() + 1 &&
        text[unix_scheme.size()] == '/')
        return "";
    if (text.rfind(tcp_scheme, 0) == 0 && ListenAddress::parse(text.substr(tcp_scheme.size())))
        return "";
    return fmt::format("\"{}\" is neither unix:///path nor tcp://host:port", text.substr(0, 128));
}

std::string check_log_limit(const std::string& text) {
    auto bytes = parse_size(text);
    if (!bytes) return bytes.error().message;
    if (*bytes < Options::log_limit_min)
        return fmt::format("\"{}\" is less than {}", text, size_to_string(Options::log_limit_min));
    return "";
}

std::string check_history_age(const std::string& text) {
    if (text == Options::unlimited) return "";
    auto age = parse_duration(text);
    if (!age) return age.error().message + ", or unlimited";
    if (*age < Options::history_age_min)
        return fmt::format("\"{}\" is less than {}", text, to_string(Options::history_age_min));
    return "";
}

std::string check_history_count(const std::string& text) {
    if (text == Options::unlimited) return "";
    std::int64_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() ||
        count < Options::history_count_min || count > Options::history_count_max)
        return fmt::format("\"{}\" is neither a whole number from {} to {} nor unlimited",
                           text.substr(0, 64),
                           Options::history_count_min,
                           Options::history_count_max);
    return "";
}

std::string check_log_total(const std::string& text) {
    if (text == Options::unlimited) return "";
    auto bytes = parse_size(text);
    if (!bytes) return bytes.error().message + ", or unlimited";
    if (*bytes < Options::log_total_min)
        return fmt::format("\"{}\" is less than {}", text, size_to_string(Options::log_total_min));
    return "";
}

std::string check_host_name(const std::string& text) {
    auto is_fit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-_.:").find(c) != std::string_view::npos;
    };
    if (!text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), is_fit))
        return "";
    return fmt::format("\"{}\" is no host name; write it without scheme and path",
                       text.substr(0, 128));
}

std::string check_not_empty(const std::string& text) {
    return text.empty() ? "the value is empty" : "";
}

CLI::Option* add_text(CLI::App& app,
                      const std::string& flag,
                      std::string& value,
                      const char* type,
                      const char* help) {
    return app.add_option(flag, value, help)
        ->type_name(type)
        ->take_last()
        ->check(CLI::Validator(check_not_empty, ""));
}

void add_listeners(CLI::App& app, WrittenOptions& written) {
    app.add_option("--listen", written.listen, "serve HTTP there; port 0 takes a free one")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false)
        ->check(CLI::Validator(check_listen, ""));
    app.add_flag("--no-http", written.no_http, "serve the Unix socket alone");
    add_text(app, "--socket", written.socket, "PATH", "the Unix socket");
    add_text(app, "--socket-group", written.socket_group, "NAME", "who may use it (schedulerd)");
    add_text(
        app, "--token-file", written.token_file, "FILE", "NAME TOKEN lines that HTTP callers need");
    app.add_option(
           "--allowed-host", written.allowed_hosts, "a name that Host may carry besides localhost")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->check(CLI::Validator(check_host_name, ""));
    app.add_flag(
        "--insecure-no-token", written.insecure_no_token, "listen beyond loopback without a token");
}

void add_work(CLI::App& app, WrittenOptions& written) {
    add_text(app, "--state-dir", written.state_dir, "DIR", "database, output of jobs, lock");
    add_text(app, "--engine", written.engine, "URL", "unix:///path or tcp://host:port")
        ->check(CLI::Validator(check_engine, ""));
    app.add_option("--max-running", written.max_running, "containers at once (100)")
        ->type_name("N")
        ->take_last()
        ->check(CLI::Range(1, Options::max_running_max).description(""));
    app.add_option("--max-starting", written.max_starting, "of them being started (2 x cores)")
        ->type_name("N")
        ->take_last()
        ->check(CLI::Range(1, Options::max_running_max).description(""));
    add_text(
        app, "--past-date", written.past_date, "run|refuse", "what a date in the past gets (run)")
        ->check(CLI::IsMember({"run", "refuse"}).description(""));
    add_text(app, "--log-limit", written.log_limit, "SIZE", "output kept a job (10MiB)")
        ->check(CLI::Validator(check_log_limit, ""));
    add_text(app, "--log-total", written.log_total, "SIZE", "output kept of all ended jobs (5GiB)")
        ->check(CLI::Validator(check_log_total, ""));
    add_text(app, "--history-age", written.history_age, "TIME", "ended jobs are kept so long (30d)")
        ->check(CLI::Validator(check_history_age, ""));
    add_text(app, "--history-count", written.history_count, "N", "ended jobs kept (1000000)")
        ->check(CLI::Validator(check_history_count, ""));
    app.add_flag("--paused", written.paused, "start nothing until schedctl resume");
}

void add_program(CLI::App& app, WrittenOptions& written) {
    add_text(app, "--config", written.config, "FILE", "read this config file")->configurable(false);
    app.add_flag("--check-config", written.check_config, "print what is in force, and exit")
        ->configurable(false);
    app.add_flag("--check-database", written.check_database, "look for damage, and exit")
        ->configurable(false);
    add_text(
        app, "--restore", written.restore, "FILE", "make the state directory of a backup, exit")
        ->configurable(false);
    app.add_flag("--run-missed", written.run_missed, "with --restore: run what came due since")
        ->configurable(false);
    add_text(app, "--log-format", written.log_format, "text|json", "of the log on stderr (text)")
        ->check(CLI::IsMember({"text", "json"}).description(""));
    add_text(app, "--log-level", written.log_level, "LEVEL", "debug, info, warning or error (info)")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""));
    app.set_version_flag(
           "--version", "schedulerd " SCHEDULER_VERSION, "print the version, and exit")
        ->configurable(false);
    app.set_help_flag("-h,--help", "print this, and exit")->configurable(false);
}

}  // namespace

struct OptionParser::Parts {
    Parts() : app("Runs container images at the moment that was asked for.", "schedulerd") {}
    CLI::App app;
    WrittenOptions written;
    std::string text;
};

OptionParser::OptionParser() : parts_(std::make_unique<Parts>()) {
    CLI::App& app = parts_->app;
    add_listeners(app, parts_->written);
    add_work(app, parts_->written);
    add_program(app, parts_->written);
    app.get_formatter()->column_width(32);
    app.footer(
        "A flag beats its variable (--max-running: SCHEDULERD_MAX_RUNNING), which beats\n"
        "its key in the config file (max-running = 100). See schedulerd(8).");
}

OptionParser::~OptionParser() = default;

Result<Done> OptionParser::parse(const std::vector<std::string>& arguments) {
    try {
        // CLI11 2.1.2 takes the arguments in reverse order.
        parts_->app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
        parts_->text = parts_->app.help();
    } catch (const CLI::CallForVersion& version) {
        parts_->text = fmt::format("{}\n", version.what());
    } catch (const CLI::ParseError& error) {
        return fail(ErrorCode::bad_field, error.what());
    }
    return Done{};
}

const WrittenOptions& OptionParser::written() const {
    return parts_->written;
}

const std::string& OptionParser::text() const {
    return parts_->text;
}

bool OptionParser::has(const std::string& name) const {
    return parts_->app.count("--" + name) > 0;
}

OptionParser::Kind OptionParser::kind(const std::string& name) const {
    const CLI::Option* option = nullptr;
    if (!name.empty() && name.front() != '-') option = parts_->app.get_option_no_throw("--" + name);
    if (option == nullptr) return Kind::unknown;
    if (!option->get_configurable()) return Kind::flag_only;
    return option->get_expected_max() > 1 ? Kind::list : Kind::single;
}

std::vector<std::string> OptionParser::names() const {
    std::vector<std::string> names;
    for (const CLI::Option* option : parts_->app.get_options())
        names.push_back(option->get_lnames().front());
    return names;
}

}  // namespace scheduler
