#include "cli/spec_options.hpp"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/console.hpp"
#include "cli/env_options.hpp"
#include "cli/mount_options.hpp"
#include "cli/output/text.hpp"

namespace scheduler {
namespace {

std::optional<std::string> caller_variable(const std::string& name) {
    const char* value =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set by us
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

Failure<Error> at_option(std::string_view option, const Error& error) {
    return fail(error.code, fmt::format("{}: {}", option, escape_text(error.message)));
}

/// A value with a text of its own, if it was given.
template <class T>
Result<Done> read_text(std::string_view option,
                       const std::optional<std::string>& given,
                       std::optional<T>& target) {
    if (!given) return Done{};
    auto value = TextTraits<T>::parse(*given);
    if (!value) return at_option(option, value.error());
    target = *std::move(value);
    return Done{};
}

Result<Done> read_number(std::string_view option,
                         const std::optional<std::string>& given,
                         std::optional<std::int64_t>& target) {
    if (!given) return Done{};
    const char* end = given->data() + given->size();
    auto [past, error] = std::from_chars(given->data(), end, target.emplace());
    if (error == std::errc() && past == end) return Done{};
    return fail(ErrorCode::bad_field,
                fmt::format("{} takes a whole number, not \"{}\"", option, escape_text(*given)));
}

/// As docker does: the profile is read here, since the engine takes it as JSON.
Result<std::string> with_profile(const std::string& option) {
    constexpr std::string_view seccomp = "seccomp=";
    if (!option.starts_with(seccomp)) return option;
    std::string value = option.substr(seccomp.size());
    if (value == "unconfined" || value == "builtin" || value.starts_with("{")) return option;
    auto profile = read_small_file("--security-opt seccomp", value);
    if (!profile) return fail(profile.error());
    return std::string(seccomp) + *profile;
}

}  // namespace

void SpecOptions::declare(OptionSet& options) {
    declare_program(options);
    declare_limits(options);
    declare_retries(options);
    declare_isolation(options);
    declare_details(options);
}

void SpecOptions::declare_program(OptionSet& options) {
    options.group("What runs");
    options.value(
        "--image", "IMAGE", image_, "the image to run, instead of NAME", Completes::job_name);
    options.value(
        "--entrypoint", "WORD", entrypoint_, "the program, instead of the image's entrypoint");
    options.list("-e,--env", "K[=V]", env_, "an environment variable; without =V with your value");
    options.value("--env-file", "FILE", env_file_, "variables, one a line", Completes::file);
    options.value("-w,--workdir", "DIR", workdir_, "the directory it starts in");
    options.value("-u,--user", "USER", user_, "who it runs as: NAME or UID, with :GROUP too");
    options.list("-l,--label", "K=V", labels_, "a label of its container");
    options.value("--hostname", "NAME", hostname_, "its host name");
}

void SpecOptions::declare_limits(OptionSet& options) {
    options.group("Limits");
    options.value("-m,--memory", "SIZE", memory_, "most memory: 512MiB, 2g");
    options.value("--cpus", "N", cpus_, "most CPUs: 1.5");
    options.value("--timeout", "TIME", timeout_, "stop it this long after its start");
    options.value(
        "--stop-grace", "TIME", stop_grace_, "from the stop signal to SIGKILL, 10s if not given");
    options.value("--priority", "N", priority_, "-100 to 100: as if due so many minutes earlier");
    options.value("--group", "NAME", group_, "it counts for this group's limit", Completes::group);
    options.value("--expires", "TIME", expires_, "not started this long after it is due: never");
    options.value("--log-limit", "SIZE", log_limit_, "output kept: its beginning and its end");
}

void SpecOptions::declare_retries(OptionSet& options) {
    options.group("Retries");
    options.number("--retries", "N", retries_, 0, "try it again this often when it failed");
    options.value("--retry-delay", "TIME", retry_delay_, "wait so long before; 10s if not given");
    options.value("--retry-on",
                  "WHAT",
                  retry_on_,
                  "failed,timed_out; lost, too, may have run",
                  Completes::retried_end);
    options.group("Growing delays", OptionSet::Layout::names);
    options.value("--retry-backoff",
                  "HOW",
                  retry_backoff_,
                  "fixed, or exponential: twice as long",
                  Completes::backoff);
    options.value("--retry-max-delay", "TIME", retry_max_delay_, "the longest; 1h if not given");
}

void SpecOptions::declare_isolation(OptionSet& options) {
    options.group("Isolation");
    options.value("--network",
                  "NAME",
                  network_,
                  "bridge, none, host, or a network of the engine",
                  Completes::network);
    options.list("-v,--volume",
                 "SRC:DST",
                 volumes_,
                 "a path of the engine's host or a volume; :ro after it");
    options.list("--mount", "SPEC", mounts_, "the same: type=bind,source=/a,target=/b,readonly");
    options.list("--tmpfs", "PATH", tmpfs_, "a directory in memory; or PATH:size=64m");
}

/// Known from docker, and too many for a line each.
void SpecOptions::declare_details(OptionSet& options) {
    options.group("Also, as for docker run", OptionSet::Layout::names);
    options.value("--pids-limit", "N", pids_limit_, "most processes and threads; -1: no limit");
    options.value("--shm-size", "SIZE", shm_size_, "size of /dev/shm: 1GiB");
    options.list(
        "--ulimit", "NAME=N", ulimits_, "a limit of setrlimit: nofile=1024, nofile=1024:2048");
    options.flag("--read-only", read_only_, "the image's files can't be written");
    options.list("--cap-add",
                 "CAP",
                 cap_add_,
                 "a capability more than the engine gives, or ALL",
                 Completes::capability);
    options.list(
        "--cap-drop", "CAP", cap_drop_, "a capability less, or ALL", Completes::capability);
    options.list("--security-opt",
                 "OPT",
                 security_opt_,
                 "no-new-privileges, seccomp=FILE, apparmor=PROFILE");
    options.flag("--init", init_, "a process 1 that passes signals on and reaps");
    options.value("--gpus", "WHICH", gpus_, "all, a count, or device=ID,ID");
}

Result<JobSpec> SpecOptions::read(std::vector<std::string>& unset) const {
    JobSpec spec;
    spec.image = image_;
    if (entrypoint_) spec.entrypoint = {*entrypoint_};
    spec.workdir = workdir_;
    spec.user = user_;
    spec.hostname = hostname_;
    for (const std::string& label : labels_) {
        auto equals = std::min(label.find('='), label.size());
        spec.labels[label.substr(0, equals)] = label.substr(std::min(equals + 1, label.size()));
    }
    spec.network = network_;
    if (read_only_) spec.read_only = true;
    if (init_) spec.init = true;
    spec.cap_add = cap_add_;
    spec.cap_drop = cap_drop_;
    if (auto environment = read_environment(spec, unset); !environment)
        return fail(environment.error());
    if (auto limits = read_limits(spec); !limits) return fail(limits.error());
    if (auto retries = read_retries(spec); !retries) return fail(retries.error());
    if (auto mounts = read_mounts(spec); !mounts) return fail(mounts.error());
    if (auto security = read_security(spec); !security) return fail(security.error());
    return spec;
}

Result<Done> SpecOptions::read_environment(JobSpec& spec, std::vector<std::string>& unset) const {
    JobEnvironment environment;
    if (env_file_) {
        auto text = read_small_file("--env-file", *env_file_);
        if (!text) return fail(text.error());
        auto added = add_variables_of(environment, *text, *env_file_, caller_variable);
        if (!added) return added;
    }
    for (const std::string& text : env_)
        if (auto added = add_variable(environment, text, caller_variable); !added)
            return fail(ErrorCode::bad_field, "-e: " + added.error().message);
    unset = std::move(environment.unset);
    spec.env = std::move(environment.values);
    return Done{};
}

Result<Done> SpecOptions::read_limits(JobSpec& spec) const {
    if (auto read = read_text("--memory", memory_, spec.memory); !read) return read;
    if (auto read = read_text("--cpus", cpus_, spec.cpus); !read) return read;
    if (auto read = read_number("--pids-limit", pids_limit_, spec.pids_limit); !read) return read;
    if (auto read = read_text("--shm-size", shm_size_, spec.shm_size); !read) return read;
    if (auto read = read_text("--timeout", timeout_, spec.timeout); !read) return read;
    if (auto read = read_text("--stop-grace", stop_grace_, spec.stop_grace); !read) return read;
    if (auto read = read_number("--priority", priority_, spec.priority); !read) return read;
    spec.group = group_;
    if (auto read = read_text("--expires", expires_, spec.expires); !read) return read;
    if (auto read = read_text("--log-limit", log_limit_, spec.log_limit); !read) return read;
    for (const std::string& text : ulimits_) {
        auto limit = Ulimit::parse(text);
        if (!limit) return at_option("--ulimit", limit.error());
        spec.ulimits.push_back(*std::move(limit));
    }
    return read_text("--gpus", gpus_, spec.gpus);
}

Result<Done> SpecOptions::read_retries(JobSpec& spec) const {
    bool is_any_given = retry_delay_ || retry_backoff_ || retry_max_delay_ || retry_on_;
    if (!retries_ && is_any_given)
        return fail(ErrorCode::bad_field,
                    "how it is tried again is given, and not how often; add --retries N");
    if (!retries_) return Done{};
    Retries& retries = spec.retries.emplace();
    retries.max = *retries_;
    if (auto read = read_text("--retry-delay", retry_delay_, retries.delay); !read) return read;
    if (auto read = read_text("--retry-max-delay", retry_max_delay_, retries.max_delay); !read)
        return read;
    if (auto read = read_text("--retry-backoff", retry_backoff_, retries.backoff); !read)
        return read;
    std::optional<std::string_view> left = retry_on_;
    while (left) {
        auto comma = left->find(',');
        auto status = parse_finish_status(left->substr(0, comma));
        if (!status) return at_option("--retry-on", status.error());
        retries.on.push_back(*status);
        left =
            comma == std::string_view::npos ? std::nullopt : std::optional(left->substr(comma + 1));
    }
    return Done{};
}

Result<Done> SpecOptions::read_mounts(JobSpec& spec) const {
    for (const std::string& text : volumes_) {
        auto mount = parse_volume_option(text);
        if (!mount) return fail(mount.error());
        spec.mounts.push_back(*std::move(mount));
    }
    for (const std::string& text : mounts_) {
        auto mount = parse_mount_option(text);
        if (!mount) return fail(mount.error());
        spec.mounts.push_back(*std::move(mount));
    }
    for (const std::string& text : tmpfs_)
        add_tmpfs_option(spec.tmpfs, text);
    return Done{};
}

Result<Done> SpecOptions::read_security(JobSpec& spec) const {
    for (const std::string& text : security_opt_) {
        auto option = with_profile(text);
        if (!option) return fail(option.error());
        spec.security_opt.push_back(*std::move(option));
    }
    return Done{};
}

Result<JobSpec> read_spec(const SpecOptions& options,
                          std::vector<std::string> command,
                          std::string_view who,
                          Console& console) {
    std::vector<std::string> unset;
    auto spec = options.read(unset);
    if (!spec) return spec;
    for (const std::string& name : unset)
        console.note(fmt::format(
            "warning: {} is not set here, so the {} does not get it", escape_text(name), who));
    spec->command = std::move(command);
    return spec;
}

}  // namespace scheduler
