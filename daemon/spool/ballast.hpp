#pragma once
/// Ballast is a file that holds some room on the state directory's file system. On a full disk even
/// a removal can't be committed (SQLite needs room for the log of the change), so retention drops
/// the ballast first, and makes it again when there is room. Blocks on the disk; one thread at a
/// time.

#include <cstdint>
#include <filesystem>

#include "common/result.hpp"

namespace scheduler {

class Ballast {
  public:
    /// Enough for the removal of some thousand rows, step by step.
    static constexpr std::uint64_t bytes_max = std::uint64_t{4} << 20U;
    /// Of a small file system it takes this part at most.
    static constexpr std::uint64_t part_of_file_system = 100;
    /// It is made only where so many times its size are free.
    static constexpr std::uint64_t room_factor = 4;

    /// An empty path: there is none.
    explicit Ballast(std::filesystem::path path) : path_(std::move(path)) {}

    /// Makes it, unless it is there or room is scarce. Errors: disk_full, internal.
    Result<Done> make();
    /// True when there was one.
    bool drop();

  private:
    std::filesystem::path path_;
};

}  // namespace scheduler
