#include "daemon/engine/docker/podman_mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include <sys/stat.h>

#include <fmt/format.h>

namespace scheduler {
namespace {

bool is_bind(const Mount& mount) {
    return mount.type == MountType::bind;
}

/// The first path of these mounts that Podman would take apart at a comma.
const std::string* path_with_comma(const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
        if (mount.target.find(',') != std::string::npos) return &mount.target;
        if (mount.source && mount.source->find(',') != std::string::npos) return &*mount.source;
    }
    return nullptr;
}

/// schedctl sends a profile's text, as docker does; Podman takes it for the name of a file.
bool is_seccomp_profile(const std::string& option) {
    return option.starts_with("seccomp={") || option.starts_with("seccomp:{");
}

}  // namespace

std::optional<std::string> podman_refusal(const JobSpec& spec, const EngineIdentity& podman) {
    if (spec.gpus)
        return fmt::format("{} gives no GPUs over this API; leave gpus out", podman.name);
    if (std::any_of(spec.security_opt.begin(), spec.security_opt.end(), is_seccomp_profile))
        return fmt::format(
            "{} takes no seccomp profile over this API, but only the path of one on its host",
            podman.name);
    for (const auto& [path, options] : spec.tmpfs)
        if (options.find(':') != std::string::npos)
            return fmt::format(
                "{} takes no : in the options of a tmpfs, as {} has", podman.name, path);
    if (const std::string* path = path_with_comma(spec.mounts))
        return fmt::format(
            "{} takes no mounts with a comma in a path, such as {}", podman.name, *path);
    bool is_remote = !podman.address.starts_with("unix:");
    if (is_remote && std::any_of(spec.mounts.begin(), spec.mounts.end(), is_bind))
        return fmt::format(
            "{} would make the source of a bind mount that is not there, and at {} it can't be "
            "seen whether it is; use a volume",
            podman.name,
            podman.address);
    return std::nullopt;
}

std::optional<std::string> bind_source_trouble(const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
        if (!is_bind(mount) || !mount.source) continue;
        struct stat ignored {};
        if (::stat(mount.source->c_str(), &ignored) == 0) continue;
        const int error = errno;
        if (error == ENOENT || error == ENOTDIR)
            return "bind source path does not exist: " + *mount.source;
        return fmt::format(
            "schedulerd can't see whether the bind source {} is there ({}), and Podman would make "
            "it",
            *mount.source,
            std::strerror(error));
    }
    return std::nullopt;
}

/// What a thread shares with the core that asked, and may outlive.
struct BindSources::Core {
    std::mutex mutex;
    asio::io_context* loop;  ///< guarded by mutex; null once nobody waits any more

    void post(UniqueFunction<void()> task) {
        std::lock_guard lock(mutex);
        if (loop != nullptr) asio::post(*loop, std::move(task));
    }
};

BindSources::BindSources(asio::io_context& core) : loop_(core), core_(std::make_shared<Core>()) {
    core_->loop = &core;
}

BindSources::~BindSources() {
    std::lock_guard lock(core_->mutex);
    core_->loop = nullptr;
}

void BindSources::look(std::vector<Mount> mounts,
                       Duration patience,
                       UniqueFunction<void(std::optional<std::string>)> reply) {
    if (std::none_of(mounts.begin(), mounts.end(), is_bind)) return reply(std::nullopt);
    struct Look {
        explicit Look(asio::io_context& loop) : timer(loop) {}
        asio::steady_timer timer;
        UniqueFunction<void(std::optional<std::string>)> reply;
        void answer(std::optional<std::string> trouble) {
            if (auto once = std::exchange(reply, {})) once(std::move(trouble));
        }
    };
    auto look = std::make_shared<Look>(loop_);
    look->reply = std::move(reply);
    look->timer.expires_after(patience);
    look->timer.async_wait([look](const boost::system::error_code& error) {
        if (!error) look->answer("the file system of a bind source does not answer");
    });
    std::thread([core = core_, weak = std::weak_ptr(look), mounts = std::move(mounts)] {
        auto trouble = bind_source_trouble(mounts);
        core->post([weak, trouble = std::move(trouble)]() mutable {
            auto asked = weak.lock();
            if (!asked) return;
            asked->timer.cancel();
            asked->answer(std::move(trouble));
        });
    }).detach();
}

}  // namespace scheduler
