#include "daemon/engine/docker/line_mender.hpp"

#include <array>
#include <optional>
#include <utility>

namespace scheduler {
namespace {

constexpr std::size_t full_piece_bytes = std::size_t{16} * 1024;

using FrameTime = decltype(LogFrame::at);

class LineMender {
  public:
    explicit LineMender(LogFrameSink sink) : sink_(std::move(sink)) {}

    bool operator()(const LogFrame& frame) {
        auto& owed = owed_.at(frame.stream == LogStream::err ? 1 : 0);
        if (auto at = std::exchange(owed, std::nullopt))
            if (!sink_(LogFrame{frame.stream, *at, "\n"})) return false;
        // The rest of a line whose length is a multiple of 16 KiB.
        if (frame.bytes.empty()) return sink_(LogFrame{frame.stream, frame.at, "\n"});
        if (frame.bytes.back() != '\n' && frame.bytes.size() < full_piece_bytes) owed = frame.at;
        return sink_(frame);
    }

  private:
    LogFrameSink sink_;
    std::array<std::optional<FrameTime>, 2> owed_;  ///< by stream: a newline, of that time
};

}  // namespace

LogFrameSink mend_lines(LogFrameSink sink) {
    return LineMender(std::move(sink));
}

}  // namespace scheduler
