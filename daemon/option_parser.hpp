#pragma once
/// The daemon's flags as CLI11 knows them: names, help, and what each may hold. The only file of
/// the daemon that sees CLI11's header. One thread; parses once.

#include <memory>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace scheduler {

/// The options as they are written, each checked by itself.
struct WrittenOptions {
    std::vector<std::string> listen;
    bool no_http = false;
    std::string socket;
    std::string socket_group;
    std::string state_dir;
    std::string engine;
    int max_running = 100;
    int max_starting = 0;
    std::string token_file;
    std::vector<std::string> allowed_hosts;
    bool insecure_no_token = false;
    std::string past_date = "run";
    std::string log_limit = "10MiB";
    std::string history_age = "30d";
    std::string history_count = "1000000";
    std::string log_total;
    std::string config;
    bool check_config = false;
    bool check_database = false;
    std::string restore;
    bool run_missed = false;
    bool paused = false;
    std::string log_format = "text";
    std::string log_level = "info";
};

class OptionParser {
  public:
    enum class Kind {
        unknown,
        flag_only,  ///< can't be set in the config file: help, version, config, check-…,
                    ///< restore, run-missed
        single,
        list,
    };

    OptionParser();
    ~OptionParser();

    /// Takes the arguments after the program's name. Errors: bad_field, naming the flag.
    Result<Done> parse(const std::vector<std::string>& arguments);

    /// What was parsed.
    [[nodiscard]] const WrittenOptions& written() const;
    /// What --help or --version print; empty when neither was given.
    [[nodiscard]] const std::string& text() const;
    /// Was this option given in what was parsed? Names are without dashes, here and below.
    [[nodiscard]] bool has(const std::string& name) const;

    [[nodiscard]] Kind kind(const std::string& name) const;
    /// All options that `kind` knows.
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace scheduler
