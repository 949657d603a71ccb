#pragma once
/// What Podman's Docker API does with a specification that it must not. It drops what it does not
/// know without a word; it reads a mount as a list of words between commas; and it makes the source
/// of a bind mount that is not there, where Docker refuses it. Source: Podman 4.3 to 5,
/// pkg/api/handlers/compat/containers_create.go and cmd/podman/common/create_opts.go.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/job_spec.hpp"
#include "daemon/base/asio.hpp"
#include "daemon/base/unique_function.hpp"
#include "daemon/engine/engine.hpp"

namespace scheduler {

/// Why this can't be asked of Podman; nothing if it can. Pure.
std::optional<std::string> podman_refusal(const JobSpec& spec, const EngineIdentity& podman);

/// What is wrong with the first source of a bind mount that is not there, or that can't be seen:
/// then Podman might make it. Nothing is wrong: nothing. Blocks on the file system.
std::optional<std::string> bind_source_trouble(const std::vector<Mount>& mounts);

/// BindSources looks on a thread of each look's own, which is left alone when it is not done in
/// time: a network file system that hangs holds neither the core nor other jobs. Lives on the core;
/// replies come there, and none does once it is gone.
class BindSources {
  public:
    explicit BindSources(asio::io_context& core);
    ~BindSources();
    BindSources(const BindSources&) = delete;
    BindSources& operator=(const BindSources&) = delete;

    /// What bind_source_trouble() says, or that there was no answer within `patience`.
    void look(std::vector<Mount> mounts,
              Duration patience,
              UniqueFunction<void(std::optional<std::string>)> reply);

  private:
    struct Core;
    asio::io_context& loop_;
    std::shared_ptr<Core> core_;
};

}  // namespace scheduler
