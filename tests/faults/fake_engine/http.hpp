#pragma once
/// One connection of the fake engine: reads requests as HTTP/1.1 clients send them and writes
/// answers, whole or in chunks. Lives on the thread of its connection.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.hpp"

namespace scheduler::fake_engine {

struct Request {
    std::string method;
    std::string path;  ///< decoded, without query
    std::map<std::string, std::string> query;
    std::string body;
};

class HttpPeer {
  public:
    explicit HttpPeer(UniqueFd connection) : connection_(std::move(connection)) {}

    /// Nothing when the client is gone.
    std::optional<Request> read();
    void answer(int status, std::string_view body, std::string_view type = "application/json");
    void begin_chunks();
    /// False when the client is gone.
    bool write_chunk(std::string_view bytes);
    void end_chunks();
    [[nodiscard]] bool is_gone() const;

  private:
    bool write(std::string_view bytes);
    bool read_more();

    UniqueFd connection_;
    std::string buffer_;
};

}  // namespace scheduler::fake_engine
