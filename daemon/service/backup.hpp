#pragma once
/// Backup copies the database into a file, slice by slice: a slice on the store's writer, between
/// commits; its sync on the `steps` executor before the next one, so that the disk is never
/// flooded. `steps` waits for that disk, so nothing that is urgent runs there. The file has a
/// temporary name until it is whole and synced, and never takes another one's place. That name is
/// the daemon's own and the same for each backup, so what a crash left is known for certain, and is
/// replaced by the next backup in that directory. Kept alive by what it waits for: once begun it
/// goes on, whoever asked.

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "common/requests/backup.hpp"
#include "common/unique_fd.hpp"
#include "daemon/base/executor.hpp"
#include "daemon/store/store.hpp"

namespace scheduler {

class Backup : public std::enable_shared_from_this<Backup> {
  public:
    /// All outlive the backup. `is_under_way` is taken by the caller and given back here.
    struct Parts {
        Store& store;
        Executor& steps;
        std::shared_ptr<std::atomic<bool>> is_under_way;
        std::filesystem::path backups;  ///< where it may write for sure; empty: not known
        std::string instance;           ///< of this daemon: the unfinished file is named after it
    };
    Backup(Parts parts, std::filesystem::path file, Reply<BackupResponse> reply);
    ~Backup();
    Backup(const Backup&) = delete;
    Backup& operator=(const Backup&) = delete;

    void begin();

    /// Errors: bad_field, in words for the user, which name `backups`.
    static Result<std::filesystem::path> check(const std::string& file,
                                               const std::filesystem::path& backups);

    /// At start-up: removes what a crash left in `directory`.
    static void remove_unfinished(const std::filesystem::path& directory,
                                  const std::string& instance);

  private:
    void copy_slice();
    void on_slice(Result<bool> is_whole);
    Result<BackupResponse> put_in_place();
    void end(Result<BackupResponse> result);

    const Parts parts_;
    const std::filesystem::path file_;
    const std::filesystem::path temporary_;
    Reply<BackupResponse> reply_;
    UniqueFd fd_;
    bool has_ended_ = false;
};

}  // namespace scheduler
