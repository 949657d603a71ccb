#pragma once
/// A small file beside the database, `<database>.mark`: it says that there is a database here, so
/// that an empty or missing one is not taken for a new one, and remembers that damage was found, so
/// that no restart serves from a file that is known to be damaged. Written whole and synced. One
/// thread at a time.

#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace scheduler {

class DatabaseMark {
  public:
    explicit DatabaseMark(const std::filesystem::path& database);

    struct State {
        bool exists = false;
        std::string damage;  ///< empty: none was found
    };
    /// Errors: internal.
    [[nodiscard]] Result<State> read() const;
    /// Errors: disk_full, internal.
    [[nodiscard]] Result<Done> write(std::string_view damage) const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace scheduler
