#pragma once
/// What Podman's Docker API does with a specification that it must not. It drops what it does not
/// know without a word; it reads a mount as a list of words between commas; and it makes the source
/// of a bind mount that is not there, where Docker refuses it. Source: Podman 4.3 to 5,
/// pkg/api/handlers/compat/containers_create.go and cmd/podman/common/create_opts.go.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/job_spec.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/base/thread_executor.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

/// Why this can't be asked of Podman; nothing if it can. Pure.
std::optional<std::string> podman_refusal(const JobSpec& spec, const EngineIdentity& podman);

/// The first source of a bind mount that is not there. What we may not look at counts as there:
/// Podman, which runs as the same user or as root, says the rest. Blocks on the file system.
std::optional<std::string> missing_bind_source(const std::vector<Mount>& mounts);

/// BindSources looks on a thread of its own, made for the first look, since a network file system
/// that hangs must not hold the core. Lives on the core; replies come there.
class BindSources {
  public:
    explicit BindSources(asio::io_context& core) : core_(core) {}
    /// What missing_bind_source() says.
    void find_missing(std::vector<Mount> mounts,
                      UniqueFunction<void(std::optional<std::string>)> reply);

  private:
    asio::io_context& core_;
    std::unique_ptr<ThreadExecutor> thread_;
};

}  // namespace scheduler
