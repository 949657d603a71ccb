#pragma once
/// StateDir owns the state directory: makes it (0700), holds its lock for the life of the process,
/// and knows what lies where. One daemon a directory: the lock file names the holder's pid. Source:
/// flock(2).

#include <filesystem>
#include <string>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace scheduler {

class StateDir {
  public:
    /// Errors: internal, one sentence with the remedy: it can't be written, or another daemon holds
    /// it.
    static Result<StateDir> open(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// What a restore is made in: it takes the database's name when it is whole.
    [[nodiscard]] std::filesystem::path restoring() const {
        return path_ / "schedulerd.db.restoring";
    }
    [[nodiscard]] std::filesystem::path database() const { return path_ / "schedulerd.db"; }
    [[nodiscard]] std::filesystem::path ballast() const { return path_ / "ballast"; }
    [[nodiscard]] std::filesystem::path logs() const { return path_ / "logs"; }
    /// Where `schedctl backup` may write wherever the daemon runs. Made by `open`; the daemon
    /// itself puts nothing there.
    [[nodiscard]] std::filesystem::path backups() const { return path_ / "backups"; }

  private:
    StateDir(std::filesystem::path path, UniqueFd lock)
        : path_(std::move(path)), lock_(std::move(lock)) {}

    std::filesystem::path path_;
    UniqueFd lock_;
};

}  // namespace scheduler
