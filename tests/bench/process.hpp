#pragma once
/// Process is a program that runs beside the benchmark: the daemon or a peer. Its output goes to a
/// file. It is killed at the end. Also: what /proc says about it.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace scheduler::bench {

class Process {
  public:
    /// `environment` is added to what the benchmark has itself. Throws when it can't be run.
    Process(const std::vector<std::string>& words,
            const std::filesystem::path& log,
            const std::vector<std::string>& environment = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running() const;
    [[nodiscard]] std::string log() const;
    /// Sends the signal and waits for the end.
    void stop(int signal);

  private:
    pid_t pid_ = -1;
    std::filesystem::path log_;
};

/// Runs it to its end without output. Throws unless it exits 0.
void run_quietly(const std::vector<std::string>& words);
/// Runs it to its end: how long that took, in milliseconds. Throws unless it exits 0.
double time_of_run(const std::vector<std::string>& words,
                   const std::vector<std::string>& environment = {});
/// Is it in $PATH, or where daemons are?
bool is_installed(const std::string& program);

/// MiB, `VmRSS` and the like of /proc/PID/status.
double status_mib(pid_t pid, const std::string& field);

struct Activity {
    std::uint64_t wakeups = 0;  ///< voluntary context switches of all threads
    double cpu_seconds = 0;
};
Activity activity(pid_t pid);

}  // namespace scheduler::bench
