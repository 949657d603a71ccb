#pragma once
/// SpecOptions: the options that say what a job runs, but for its command. Their names are docker's
/// where docker has one. What the values mean is the daemon's to check; here they get their types.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "common/job_spec.hpp"

namespace scheduler {

class Console;

class SpecOptions {
  public:
    void declare(OptionSet& options);

    /// What was given. `unset` gets the names of variables that have no value here.
    /// Errors: bad_field, bad_time, naming the option.
    Result<JobSpec> read(std::vector<std::string>& unset) const;

  private:
    void declare_program(OptionSet& options);
    void declare_limits(OptionSet& options);
    void declare_retries(OptionSet& options);
    void declare_isolation(OptionSet& options);
    void declare_details(OptionSet& options);
    Result<Done> read_environment(JobSpec& spec, std::vector<std::string>& unset) const;
    Result<Done> read_limits(JobSpec& spec) const;
    Result<Done> read_retries(JobSpec& spec) const;
    Result<Done> read_mounts(JobSpec& spec) const;
    Result<Done> read_security(JobSpec& spec) const;

    std::optional<std::string> image_;
    std::optional<std::string> entrypoint_;
    std::vector<std::string> env_;
    std::optional<std::string> env_file_;
    std::optional<std::string> workdir_;
    std::optional<std::string> user_;
    std::vector<std::string> labels_;
    std::optional<std::string> hostname_;

    std::optional<std::string> memory_;
    std::optional<std::string> cpus_;
    std::optional<std::string> pids_limit_;
    std::optional<std::string> shm_size_;
    std::vector<std::string> ulimits_;
    std::optional<std::string> timeout_;
    std::optional<std::string> stop_grace_;
    std::optional<std::string> priority_;
    std::optional<std::string> group_;
    std::optional<std::string> expires_;
    std::optional<std::string> log_limit_;

    std::optional<std::int64_t> retries_;
    std::optional<std::string> retry_delay_;
    std::optional<std::string> retry_backoff_;
    std::optional<std::string> retry_max_delay_;
    std::optional<std::string> retry_on_;

    std::optional<std::string> network_;
    std::vector<std::string> volumes_;
    std::vector<std::string> mounts_;
    std::vector<std::string> tmpfs_;
    bool read_only_ = false;
    std::vector<std::string> cap_add_;
    std::vector<std::string> cap_drop_;
    std::vector<std::string> security_opt_;
    bool init_ = false;
    std::optional<std::string> gpus_;
};

/// What was given, with its command, and a note on the console of each variable that has no value
/// here, so that `who` (`job`) does not get it. Errors: as above.
Result<JobSpec> read_spec(const SpecOptions& options,
                          std::vector<std::string> command,
                          std::string_view who,
                          Console& console);

}  // namespace scheduler
