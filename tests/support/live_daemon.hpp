#pragma once
/// LiveDaemon is the real schedulerd with the engine of $DOCKER_HOST, and schedctl beside it.

#include <string>
#include <vector>

#include "tests/support/daemon_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/program.hpp"

namespace scheduler::test {

class LiveDaemon : public DaemonProcess {
  public:
    explicit LiveDaemon(std::vector<std::string> options = {});
    /// With a file system of its own for the state, where the test may mount one.
    struct SmallDisk {
        int mib = 4;
    };
    explicit LiveDaemon(SmallDisk disk);
    /// Of a backup, restored with these options.
    struct Restored {
        std::vector<std::string> options;
        std::string file;
    };
    explicit LiveDaemon(const Restored& restored);
    /// Removes the containers of its jobs.
    ~LiveDaemon() override;

    /// `schedctl --socket … WORDS`.
    [[nodiscard]] testing::ProgramResult schedctl(std::vector<std::string> words) const;
    /// The same, for one word of output without its newline; fails the test when the exit code is
    /// not 0.
    [[nodiscard]] std::string ask(std::vector<std::string> words) const;
    /// A column of `ls -a --plain` of one job, by number or id: number id job_name status
    /// finish_status …
    [[nodiscard]] std::string column(const std::string& id, int column) const;
    [[nodiscard]] std::string status(const std::string& id) const { return column(id, 3); }
    [[nodiscard]] std::string finish_status(const std::string& id) const { return column(id, 4); }

    /// `http://127.0.0.1:PORT`
    [[nodiscard]] std::string http_address() const;
    [[nodiscard]] bool has_own_disk() const { return has_own_disk_; }

  private:
    bool has_own_disk_ = false;
};

/// Ids of containers with this label, running or not, by the engine's API through curl.
std::vector<std::string> containers_with_label(const std::string& label);
/// `curl` against the engine: METHOD and path without version.
std::string engine_call(const std::string& method, const std::string& path);

}  // namespace scheduler::test
