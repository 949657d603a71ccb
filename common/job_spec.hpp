#pragma once
/// What a job runs. Names are docker's where docker has one.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/cpus.hpp"
#include "common/gpus.hpp"
#include "common/mount.hpp"
#include "common/retries.hpp"
#include "common/size.hpp"
#include "common/time.hpp"
#include "common/ulimit.hpp"

namespace scheduler {

/// Named limits of a specification, each tested at n and n + 1.
struct SpecLimits {
    static constexpr std::size_t job_name_bytes = 512;
    static constexpr std::size_t image_bytes = 512;
    static constexpr std::size_t command_words = 1024;  ///< of the entrypoint too
    static constexpr std::size_t env_variables = 1024;
    /// Entrypoint, command and environment together, as execve(2) would count them; below its
    /// 128 KiB for one string.
    static constexpr std::size_t text_bytes = 128 * 1024;
    /// All other text together.
    static constexpr std::size_t settings_bytes = 128 * 1024;
    static constexpr std::size_t labels = 256;
    static constexpr std::size_t list_entries = 64;    ///< of every other list
    static constexpr std::size_t path_bytes = 4095;    ///< PATH_MAX of Linux, without its NUL
    static constexpr std::size_t name_bytes = 255;     ///< of a user, network, volume or label
    static constexpr std::size_t hostname_bytes = 64;  ///< HOST_NAME_MAX of Linux
    /// Docker takes no less; Podman's containers don't start with less either.
    static constexpr std::uint64_t memory_min = std::uint64_t{6} * 1024 * 1024;
    static constexpr Cpus cpus_min{10'000'000};
    static constexpr Cpus cpus_max{65'536'000'000'000};
    static constexpr std::int64_t pids_max = 4'194'304;  ///< PID_MAX_LIMIT of Linux
    static constexpr Duration stop_grace_max = std::chrono::hours(24);
    static constexpr std::int64_t priority_max = 100;  ///< and least, below 0
    static constexpr Duration expires_min = std::chrono::seconds(1);
    static constexpr std::uint64_t log_limit_min = std::uint64_t{128} * 1024;
    static constexpr std::uint64_t log_limit_max = std::uint64_t{1024} * 1024 * 1024;
};

/// What reads instead of an environment value in every answer and log line.
inline constexpr std::string_view hidden_value = "hidden";

struct JobSpec {
    std::optional<std::string> image;
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::map<std::string, std::string> env;
    std::optional<std::string> workdir;
    std::optional<std::string> user;
    std::map<std::string, std::string> labels;
    std::optional<std::string> hostname;
    std::optional<Size> memory;
    std::optional<Cpus> cpus;
    std::optional<std::int64_t> pids_limit;
    std::optional<Size> shm_size;
    std::vector<Ulimit> ulimits;
    std::optional<std::string> network;
    std::vector<Mount> mounts;
    std::map<std::string, std::string> tmpfs;  ///< options by path
    std::optional<bool> read_only;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::vector<std::string> security_opt;
    std::optional<bool> init;
    std::optional<Gpus> gpus;
    std::optional<Span> timeout;
    std::optional<Span> stop_grace;
    std::optional<std::int64_t> priority;
    std::optional<std::string> group;
    std::optional<Span> expires;
    std::optional<Size> log_limit;
    std::optional<Retries> retries;

    bool operator==(const JobSpec&) const = default;

    static void fields(auto& self, auto& visit) {
        visit("image", self.image, "image reference; without it job_name is the image");
        visit("entrypoint",
              self.entrypoint,
              "words in place of the image's entrypoint; [\"\"] drops it");
        visit("command", self.command, "words of the command, one a field or array element");
        visit("env", self.env, "environment variables; values read `hidden` in answers");
        visit("workdir", self.workdir, "the directory it starts in, an absolute path");
        visit("user", self.user, "who it runs as: a name or number, :GROUP after it (1000:1000)");
        visit("labels", self.labels, "labels of the container; schedulerd.* is ours");
        visit("hostname", self.hostname, "the container's host name");
        visit("memory", self.memory, "most memory: a whole number and B, KiB, MiB or GiB");
        visit("cpus", self.cpus, "most CPUs: a decimal number such as 1.5");
        visit("pids_limit", self.pids_limit, "most processes and threads; -1 for no limit");
        visit("shm_size", self.shm_size, "size of /dev/shm, as memory");
        visit("ulimits", self.ulimits, "limits of setrlimit: NAME=SOFT or NAME=SOFT:HARD");
        visit("network", self.network, "bridge (the engine's default), none, host, or a name");
        visit("mounts", self.mounts, "directories, files and volumes in the container");
        visit("tmpfs", self.tmpfs, "directories in memory: mount options by path, may be empty");
        visit("read_only", self.read_only, "true: the image's files can't be written");
        visit("cap_add", self.cap_add, "capabilities added to the engine's own set, or ALL");
        visit("cap_drop", self.cap_drop, "capabilities taken from it, or ALL");
        visit("security_opt",
              self.security_opt,
              "no-new-privileges, seccomp=…, apparmor=… or label=…");
        visit("init", self.init, "true: a process 1 that passes signals on and reaps");
        visit("gpus", self.gpus, "all, a count, or device=ID,ID");
        visit("timeout",
              self.timeout,
              "stop it this long after its start (30s, 2m, 1h, 4d): timed_out");
        visit("stop_grace",
              self.stop_grace,
              "from the stop signal to KILL when it is stopped; 10s if absent");
        visit("priority",
              self.priority,
              "-100 to 100: of due jobs it runs as if it were due so many minutes earlier");
        visit("group", self.group, "a name; jobs of a group run so many at once as it is set to");
        visit("expires",
              self.expires,
              "not started this long after it is due, it never is: did_not_run");
        visit("log_limit",
              self.log_limit,
              "output kept, its beginning and its end: as memory; else --log-limit of the daemon");
        visit("retries", self.retries, "tried again after an attempt that failed or timed out");
    }
};

/// Fields of the specification that this version knows by name but can't do yet: they are refused
/// as such, so that no limit is dropped silently.
bool is_future_spec_field(std::string_view name);

/// Checks what types can't say. Errors: bad_field, too_large.
Result<Done> check_spec(const JobSpec& spec);

/// Where a job stands among those that are due: the least is first. Priorities are minutes, so that
/// nothing starves.
TimePoint rank_of(TimePoint due_at, const JobSpec& spec);

/// From when on a job is not started any more. One that was added with a date in the past is due
/// when it is added. Nothing: it waits as long as it takes.
std::optional<TimePoint> expiry_of(TimePoint due_at, TimePoint created_at, const JobSpec& spec);

/// The same with each environment value replaced by `hidden`.
JobSpec hide_values(JobSpec spec);

}  // namespace scheduler
