#include "daemon/engine/docker/podman_mounts.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

bool has_comma(const Mount& mount) {
    return mount.target.find(',') != std::string::npos ||
           mount.source.value_or("").find(',') != std::string::npos;
}

bool is_bind(const Mount& mount) {
    return mount.type == MountType::bind;
}

}  // namespace

std::optional<std::string> podman_refusal(const JobSpec& spec, const EngineIdentity& podman) {
    if (spec.gpus)
        return fmt::format("{} gives no GPUs over this API; leave gpus out", podman.name);
    if (std::any_of(spec.mounts.begin(), spec.mounts.end(), has_comma))
        return fmt::format("{} takes no mounts with a comma in their paths", podman.name);
    bool is_remote = !podman.address.starts_with("unix:");
    if (is_remote && std::any_of(spec.mounts.begin(), spec.mounts.end(), is_bind))
        return fmt::format(
            "{} would make the source of a bind mount that is not there, and at {} it can't be "
            "seen "
            "whether it is; use a volume",
            podman.name,
            podman.address);
    return std::nullopt;
}

std::optional<std::string> missing_bind_source(const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
        if (!is_bind(mount) || !mount.source) continue;
        struct stat ignored {};
        if (::stat(mount.source->c_str(), &ignored) == 0) continue;
        if (errno == ENOENT || errno == ENOTDIR) return mount.source;
    }
    return std::nullopt;
}

void BindSources::find_missing(std::vector<Mount> mounts,
                               UniqueFunction<void(std::optional<std::string>)> reply) {
    if (!thread_) thread_ = std::make_unique<ThreadExecutor>("mounts");
    thread_->post([&core = core_, mounts = std::move(mounts), reply = std::move(reply)]() mutable {
        asio::post(core,
                   [missing = missing_bind_source(mounts), reply = std::move(reply)]() mutable {
                       reply(std::move(missing));
                   });
    });
}

}  // namespace scheduler
