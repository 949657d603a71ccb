#pragma once
/// SocketFile binds the Unix socket and owns its file: a stale one is replaced, a live one is never
/// taken from its daemon. Removes the file at its end if it is still its own. Binding is apart from
/// serving, so that what is wrong ends the program with one sentence. Made and destroyed on the
/// main thread. Source: unix(7): 107 bytes of path, and the file's mode is the socket's own as
/// fchmod(2) set it before bind(2), so that there is no moment in which anybody may connect.

#include <cstddef>
#include <string>
#include <utility>

#include <sys/types.h>

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace scheduler {

/// Where the socket shall be, and whose.
struct SocketPlace {
    static constexpr std::size_t path_bytes_max = 107;

    std::string path;       ///< absolute
    std::string group;      ///< may connect; empty: `schedulerd` where that group exists
    std::string state_dir;  ///< made where the socket lies in it, as /run/schedulerd is
};

class SocketFile {
  public:
    /// Binds and listens, with mode 0660. Errors: bad_field (path, group), unavailable (in use, not
    /// allowed, no such directory), each with the remedy.
    static Result<SocketFile> bind(const SocketPlace& place);

    SocketFile(SocketFile&& other) noexcept
        : listener_(std::move(other.listener_)),
          path_(std::exchange(other.path_, {})),
          device_(other.device_),
          inode_(other.inode_) {}
    SocketFile& operator=(SocketFile&&) = delete;
    ~SocketFile();

    [[nodiscard]] const std::string& path() const { return path_; }
    /// The listening socket, non-blocking, for its server. Once.
    [[nodiscard]] UniqueFd take_listener() { return std::move(listener_); }

  private:
    SocketFile(UniqueFd listener, std::string path)
        : listener_(std::move(listener)), path_(std::move(path)) {}

    UniqueFd listener_;
    std::string path_;  ///< empty once it was moved from
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace scheduler
