#include "tests/simulation/sim_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace scheduler::sim {
namespace {

constexpr std::size_t sector = 512;
constexpr const char* vfs_name = "simulated";

/// What SQLite allocates for an open file.
struct Handle {
    sqlite3_file base;
    SimDisk* disk;
    std::shared_ptr<SimDisk::File>* file;
    int lock;
    unsigned shared_mask;
    unsigned exclusive_mask;
};

Handle& handle(sqlite3_file* file) {
    return *reinterpret_cast<Handle*>(file);
}
SimDisk::File& content(sqlite3_file* file) {
    return **handle(file).file;
}
SimDisk& disk_of(sqlite3_vfs* vfs) {
    return *static_cast<SimDisk*>(vfs->pAppData);
}

int unlock(sqlite3_file* file, int level) {
    Handle& own = handle(file);
    SimDisk::File& shared = content(file);
    if (own.lock == SQLITE_LOCK_EXCLUSIVE && level < own.lock) shared.is_exclusive = false;
    if (own.lock >= SQLITE_LOCK_RESERVED && level < SQLITE_LOCK_RESERVED)
        shared.is_reserved = false;
    if (own.lock >= SQLITE_LOCK_SHARED && level < SQLITE_LOCK_SHARED) --shared.readers;
    own.lock = std::min(own.lock, level);
    return SQLITE_OK;
}

int close(sqlite3_file* file) {
    (void)unlock(file, SQLITE_LOCK_NONE);
    delete handle(file).file;
    return SQLITE_OK;
}

int read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
    const auto& bytes = content(file).now;
    auto begin = std::min(bytes.size(), static_cast<std::size_t>(offset));
    auto count = std::min(bytes.size() - begin, static_cast<std::size_t>(amount));
    if (count > 0) std::memcpy(to, bytes.data() + begin, count);
    if (count == static_cast<std::size_t>(amount)) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + count, 0, static_cast<std::size_t>(amount) - count);
    return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    SimDisk::File& target = content(file);
    auto begin = static_cast<std::uint64_t>(offset);
    if (int refused =
            handle(file).disk->admit_write(target, begin + static_cast<std::uint64_t>(amount)))
        return refused;
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    SimDisk::PendingWrite pending{begin, {bytes, bytes + amount}, false};
    SimDisk::apply(target.now, pending);
    target.pending.push_back(std::move(pending));
    return SQLITE_OK;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    SimDisk::File& target = content(file);
    if (int refused = handle(file).disk->admit_write(target, 0)) return refused;
    SimDisk::PendingWrite pending{static_cast<std::uint64_t>(size), {}, true};
    SimDisk::apply(target.now, pending);
    target.pending.push_back(std::move(pending));
    return SQLITE_OK;
}

int sync(sqlite3_file* file, int) {
    SimDisk::File& target = content(file);
    if (int refused = handle(file).disk->admit_sync(target)) return refused;
    for (const auto& pending : target.pending)
        SimDisk::apply(target.durable, pending);
    target.pending.clear();
    return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(content(file).now.size());
    return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) {
    Handle& own = handle(file);
    SimDisk::File& shared = content(file);
    if (level <= own.lock) return SQLITE_OK;
    if (own.lock < SQLITE_LOCK_SHARED) {
        if (shared.is_exclusive) return SQLITE_BUSY;
        ++shared.readers;
        own.lock = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED && own.lock < SQLITE_LOCK_RESERVED) {
        if (shared.is_reserved) return SQLITE_BUSY;
        shared.is_reserved = true;
        own.lock = SQLITE_LOCK_RESERVED;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (shared.readers > 1) return SQLITE_BUSY;
        shared.is_exclusive = true;
        own.lock = SQLITE_LOCK_EXCLUSIVE;
    }
    return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* out) {
    *out = content(file).is_reserved ? 1 : 0;
    return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
    return static_cast<int>(sector);
}
int characteristics(sqlite3_file*) {
    // What SQLite's own file layer says of any disk: a write changes no byte beside its own.
    // Nothing else is promised: no atomic write, no safe append.
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    auto& regions = content(file).shared_memory;
    auto found = regions.find(region);
    if (found == regions.end()) {
        *out = nullptr;
        if (extend == 0) return SQLITE_OK;
        found = regions.emplace(region, std::vector<std::uint8_t>(static_cast<std::size_t>(size)))
                    .first;
    }
    *out = found->second.data();
    return SQLITE_OK;
}

int lock_shared(sqlite3_file* file, int first, int count, int flags) {
    Handle& own = handle(file);
    int* locks = content(file).shared_locks;
    for (int i = first; i < first + count; ++i) {
        unsigned bit = 1U << static_cast<unsigned>(i);
        if ((flags & SQLITE_SHM_UNLOCK) != 0) continue;
        if ((flags & SQLITE_SHM_SHARED) != 0 && locks[i] < 0 && (own.exclusive_mask & bit) == 0)
            return SQLITE_BUSY;
        if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && locks[i] != 0 && (own.exclusive_mask & bit) == 0)
            return SQLITE_BUSY;
    }
    for (int i = first; i < first + count; ++i) {
        unsigned bit = 1U << static_cast<unsigned>(i);
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            if ((own.exclusive_mask & bit) != 0)
                locks[i] = 0;
            else if ((own.shared_mask & bit) != 0)
                --locks[i];
            own.exclusive_mask &= ~bit;
            own.shared_mask &= ~bit;
        } else if ((flags & SQLITE_SHM_SHARED) != 0) {
            if ((own.shared_mask & bit) == 0) ++locks[i];
            own.shared_mask |= bit;
        } else {
            locks[i] = -1;
            own.exclusive_mask |= bit;
        }
    }
    return SQLITE_OK;
}

void barrier(sqlite3_file*) {}

int unmap_shared(sqlite3_file* file, int remove) {
    (void)lock_shared(file, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    if (remove != 0) content(file).shared_memory.clear();
    return SQLITE_OK;
}

sqlite3_io_methods make_methods() {
    sqlite3_io_methods made{};
    made.iVersion = 2;
    made.xClose = close;
    made.xRead = read;
    made.xWrite = write;
    made.xTruncate = truncate;
    made.xSync = sync;
    made.xFileSize = file_size;
    made.xLock = lock;
    made.xUnlock = unlock;
    made.xCheckReservedLock = check_reserved;
    made.xFileControl = control;
    made.xSectorSize = sector_size;
    made.xDeviceCharacteristics = characteristics;
    made.xShmMap = map_shared;
    made.xShmLock = lock_shared;
    made.xShmBarrier = barrier;
    made.xShmUnmap = unmap_shared;
    return made;
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    static const sqlite3_io_methods methods = make_methods();
    file->pMethods = nullptr;
    SimDisk& disk = disk_of(vfs);
    auto opened = disk.open(name == nullptr ? "" : name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!opened) return SQLITE_CANTOPEN;
    Handle& own = handle(file);
    own.disk = &disk;
    own.file = new std::shared_ptr<SimDisk::File>(std::move(opened));
    own.lock = SQLITE_LOCK_NONE;
    own.shared_mask = own.exclusive_mask = 0;
    file->pMethods = &methods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
    SimDisk& disk = disk_of(vfs);
    if (!disk.exists(name)) return SQLITE_IOERR_DELETE_NOENT;
    disk.remove(name);
    return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* name, int, int* out) {
    *out = disk_of(vfs).exists(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
    for (int i = 0; i < size; ++i)
        out[i] = static_cast<char>(disk_of(vfs).random());
    return size;
}

int sleep(sqlite3_vfs*, int microseconds) {
    return microseconds;
}
int current_time(sqlite3_vfs*, sqlite3_int64* out) {
    *out = 0;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

}  // namespace

SimDisk::SimDisk(std::function<std::uint64_t()> random)
    : random_(std::move(random)), vfs_(std::make_unique<sqlite3_vfs>()) {
    vfs_->iVersion = 2;
    vfs_->szOsFile = sizeof(Handle);
    vfs_->mxPathname = 512;
    vfs_->zName = vfs_name;
    vfs_->pAppData = this;
    vfs_->xOpen = open_file;
    vfs_->xDelete = delete_file;
    vfs_->xAccess = access;
    vfs_->xFullPathname = full_pathname;
    vfs_->xRandomness = randomness;
    vfs_->xSleep = sleep;
    vfs_->xGetLastError = last_error;
    vfs_->xCurrentTimeInt64 = current_time;
    (void)sqlite3_vfs_register(vfs_.get(), 1);
}

SimDisk::~SimDisk() {
    (void)sqlite3_vfs_unregister(vfs_.get());
}

std::shared_ptr<SimDisk::File> SimDisk::open(const std::string& path, bool create) {
    if (path.empty()) return std::make_shared<File>();  // a temporary file
    auto found = files_.find(path);
    if (found != files_.end()) return found->second;
    if (!create || has_crashed) return nullptr;
    return files_[path] = std::make_shared<File>();
}

void SimDisk::remove(const std::string& path) {
    if (!has_crashed) files_.erase(path);
}

int SimDisk::admit_write(const File& file, std::uint64_t end) {
    if (has_crashed) return SQLITE_IOERR_WRITE;
    if (crash_after_calls > 0 && --crash_after_calls == 0) {
        has_crashed = true;
        return SQLITE_IOERR_WRITE;
    }
    return is_full && end > file.now.size() ? SQLITE_FULL : SQLITE_OK;
}

int SimDisk::admit_sync(File& file) {
    if (has_crashed) return SQLITE_IOERR_FSYNC;
    if (crash_after_calls > 0 && --crash_after_calls == 0) {
        has_crashed = true;
        return SQLITE_IOERR_FSYNC;
    }
    if (std::exchange(fails_next_sync, false)) {
        // The kernel marks the pages clean, written or not: processes go on seeing them, and the
        // next sync finds nothing to do.
        lose_unsynced(file);
        return SQLITE_IOERR_FSYNC;
    }
    return SQLITE_OK;
}

void SimDisk::apply(std::vector<std::uint8_t>& content, const PendingWrite& write) {
    auto offset = static_cast<std::size_t>(write.offset);
    if (write.is_truncation) {
        content.resize(std::min(content.size(), offset));
        return;
    }
    if (content.size() < offset + write.bytes.size()) content.resize(offset + write.bytes.size());
    std::copy(write.bytes.begin(),
              write.bytes.end(),
              content.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// Each write that was not synced is there, is not, or is there up to some sector.
void SimDisk::lose_unsynced(File& file) {
    for (PendingWrite& write : file.pending) {
        std::uint64_t fate = random_() % 3;
        if (fate == 0) continue;
        if (fate == 1 && !write.bytes.empty())
            write.bytes.resize(random_() % (write.bytes.size() / sector + 1) * sector);
        apply(file.durable, write);
    }
    file.pending.clear();
}

void SimDisk::restart() {
    has_crashed = false;
    crash_after_calls = 0;
    for (auto& [path, file] : files_) {
        file->shared_memory.clear();
        std::fill(std::begin(file->shared_locks), std::end(file->shared_locks), 0);
        file->readers = 0;
        file->is_reserved = file->is_exclusive = false;
    }
}

void SimDisk::cut_power() {
    for (auto& [path, file] : files_) {
        lose_unsynced(*file);
        file->now = file->durable;
    }
    restart();
}

}  // namespace scheduler::sim
