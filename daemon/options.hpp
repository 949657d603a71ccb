#pragma once
/// What a user can set: flags, `SCHEDULERD_*` variables and the config file, by CLI11. A flag beats
/// the variable of that name, which beats the file's key, which beats the default; a list
/// (`listen`) is replaced as a whole. Read at start and again on SIGHUP. Any thread; no state.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/job_spec.hpp"
#include "common/result.hpp"
#include "common/time.hpp"
#include "daemon/base/log.hpp"
#include "daemon/listen_address.hpp"
#include "daemon/token_file.hpp"

namespace scheduler {

struct Options {
    static constexpr int max_running_max = 100000;
    static constexpr std::uint64_t log_limit_min = SpecLimits::log_limit_min;
    static constexpr Duration history_age_min = std::chrono::minutes(1);
    static constexpr std::int64_t history_count_min = 1;
    static constexpr std::int64_t history_count_max = 1'000'000'000'000;
    static constexpr std::uint64_t log_total_min = 1024 * 1024;
    static constexpr std::uint64_t log_total_default = std::uint64_t{5} << 30U;
    /// Of the state directory's file system, where that is less than log_total_default.
    static constexpr std::uint64_t log_total_part_of_file_system = 10;
    static constexpr std::string_view unlimited = "unlimited";

    std::vector<ListenAddress> listen;  ///< empty with --no-http
    std::string socket;                 ///< absolute path of the Unix socket
    std::string socket_group;           ///< empty: `schedulerd` where that group exists
    std::string state_dir;              ///< absolute
    std::string engine;                 ///< --engine; empty: look for one, $DOCKER_HOST first
    std::string docker_host;            ///< $DOCKER_HOST, empty when unset
    int max_running = 100;
    std::optional<int> max_starting;  ///< nothing: twice the engine's cores
    std::string token_file;
    std::vector<Token> tokens;  ///< what token_file held
    std::vector<std::string> allowed_hosts;
    bool insecure_no_token = false;
    bool refuse_past_dates = false;
    std::uint64_t log_limit = std::uint64_t{10} << 20U;
    std::optional<Duration> history_age = std::chrono::hours(24 * 30);  ///< nothing: unlimited
    std::optional<std::int64_t> history_count = 1'000'000;              ///< nothing: unlimited
    /// What was said; nothing: it was not, and the default is made of the file system's size.
    std::optional<std::uint64_t> log_total;
    bool log_total_is_unlimited = false;
    bool paused = false;
    LogFormat log_format = LogFormat::text;
    LogLevel log_level = LogLevel::info;
    std::string config_file;  ///< the one that was read; empty when there was none
    std::string restore;      ///< absolute path of the backup; empty: serve
    bool run_missed = false;
};

/// What the program shall do: serve, print `text` to stdout and exit 0 (--help, --version,
/// --check-config), look for damage in the database, or make the state directory of a backup.
struct ParsedOptions {
    enum class Action { serve, print, check_database, restore };
    Action action = Action::serve;
    Options options;
    std::string text;
};

/// What the options depend on besides the arguments.
struct Surroundings {
    std::map<std::string, std::string> environment;
    uid_t uid = 0;
    bool has_run_user = false;  ///< /run/user/UID is a directory
    std::string working_dir;    ///< relative paths start here
    std::string system_config = "/etc/schedulerd/schedulerd.conf";

    static Surroundings of_process();
};

/// Errors: bad_field, one sentence that names the flag, the variable, or the file and its line. The
/// program exits 2.
Result<ParsedOptions> parse_options(int argc,
                                    const char* const* argv,
                                    const Surroundings& surroundings);

/// What is in force, as lines of a config file. Tokens are not shown.
std::string describe(const Options& options);

}  // namespace scheduler
