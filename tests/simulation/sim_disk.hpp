#pragma once
/// SimDisk is the disk under SQLite: files in memory behind a VFS of its own, which a simulation
/// fills, breaks and cuts the power of. What was synced survives a power cut; of what was not, any
/// part may, and a write may be torn at its sectors. One at a time, in one thread: the VFS is
/// SQLite's default one while the disk lives. Source: sqlite.org/vfs.html, sqlite.org/atomiccommit.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace scheduler::sim {

class SimDisk {
  public:
    /// `random` decides what an unsynced write becomes in a power cut.
    explicit SimDisk(std::function<std::uint64_t()> random);
    SimDisk(const SimDisk&) = delete;
    SimDisk& operator=(const SimDisk&) = delete;
    ~SimDisk();

    // ---- faults ----
    bool is_full = false;                 ///< writes that make a file longer are refused
    bool fails_next_sync = false;         ///< once, and what was not synced may be gone
    std::uint64_t crash_after_calls = 0;  ///< at the n-th write or sync from now; 0: never
    bool has_crashed = false;             ///< nothing has any effect any more, until `restart`

    /// The process is gone, the machine is not: everything written stays.
    void restart();
    /// The machine was off: what was not synced is there in part, or not at all.
    void cut_power();

    // ---- for the VFS ----
    struct PendingWrite {
        std::uint64_t offset = 0;
        std::vector<std::uint8_t> bytes;
        bool is_truncation = false;  ///< to `offset`
    };
    struct File {
        std::vector<std::uint8_t> now;      ///< as a process sees it
        std::vector<std::uint8_t> durable;  ///< as it would be after a power cut that loses all
        std::vector<PendingWrite> pending;
        std::map<int, std::vector<std::uint8_t>> shared_memory;
        int shared_locks[SQLITE_SHM_NLOCK] = {};  ///< -1: exclusive
        int readers = 0;
        bool is_reserved = false;
        bool is_exclusive = false;
    };
    std::shared_ptr<File> open(const std::string& path, bool create);
    void remove(const std::string& path);
    [[nodiscard]] bool exists(const std::string& path) const { return files_.count(path) > 0; }
    /// SQLITE_OK, or what this write or sync fails with. Counts down to the crash.
    int admit_write(const File& file, std::uint64_t end);
    int admit_sync(File& file);
    std::uint64_t random() { return random_(); }

    static void apply(std::vector<std::uint8_t>& content, const PendingWrite& write);

  private:
    void lose_unsynced(File& file);

    std::function<std::uint64_t()> random_;
    std::map<std::string, std::shared_ptr<File>> files_;
    std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace scheduler::sim
