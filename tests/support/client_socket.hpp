#pragma once
/// A blocking client socket with a deadline on everything, for tests: TCP on loopback, or Unix.
/// Throws std::runtime_error when it can't connect or the deadline passes.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"

namespace scheduler::test {

class ClientSocket {
  public:
    static ClientSocket to_port(std::uint16_t port);
    static ClientSocket to_path(const std::string& path);

    /// All of it. False when the other side has closed.
    bool send(std::string_view bytes);
    /// Ends our direction only.
    void end_sending();
    /// Closes with a reset, as a client does that is killed with unread bytes.
    void reset();
    /// Up to and with `end`; what came when the other side closed before.
    std::string read_until(std::string_view end);
    std::string read_bytes(std::size_t count);
    std::string read_to_end();
    /// True when the other side has closed and nothing is left to read.
    bool is_at_end();
    /// True when nothing comes within a short time: for what must not come.
    bool is_silent();

  private:
    explicit ClientSocket(UniqueFd fd) : fd_(std::move(fd)) {}
    /// False at the end.
    bool read_more();

    UniqueFd fd_;
    std::string buffer_;
};

}  // namespace scheduler::test
