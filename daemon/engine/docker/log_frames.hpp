#pragma once
/// LogFrameParser takes the body of a log answer apart, wherever its reads are split. The body is a
/// row of frames: stream (1 byte), three zero bytes, length (4 bytes, big-endian), payload; with
/// `timestamps=1` each payload begins with an RFC 3339 time and a blank, which become LogFrame::at.
/// A frame of up to `piece_bytes_max` is handed on whole, a larger one in pieces of that size, so
/// memory is bounded. Owns its buffer; lives in one exchange. Source: Docker Engine API 1.41,
/// ContainerAttach, "Stream format"; github.com/docker/docker/pkg/stdcopy for stream 3.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/engine/engine.hpp"

namespace scheduler {

class LogFrameParser {
  public:
    static constexpr std::size_t header_bytes = 8;
    static constexpr std::size_t piece_bytes_max = 64 * 1024;

    enum class Outcome {
        more,     ///< give it the next bytes
        stopped,  ///< the sink wants no more
        broken,   ///< these are no frames, or the engine reported an error in the stream: see
                  ///< `error`
    };

    explicit LogFrameParser(LogFrameSink sink) : sink_(std::move(sink)) {}

    Outcome feed(std::string_view bytes);
    /// True between frames: where a complete answer ends.
    [[nodiscard]] bool is_at_boundary() const { return buffer_.empty() && !frame_; }
    /// What is wrong, after `broken`.
    [[nodiscard]] const std::string& error() const { return error_; }

  private:
    /// The frame whose header was read.
    struct Frame {
        LogStream stream = LogStream::out;
        bool is_engine_error = false;
        std::optional<std::chrono::sys_time<std::chrono::nanoseconds>>
            at;  ///< once its first piece was seen
        std::size_t bytes_left = 0;
    };

    Outcome read_header(std::string_view header);
    Outcome emit(std::string_view piece);

    LogFrameSink sink_;
    std::string buffer_;  ///< an incomplete header or piece
    std::optional<Frame> frame_;
    std::string error_;
};

}  // namespace scheduler
