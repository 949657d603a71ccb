#include "daemon/engine/docker/log_frames.hpp"

#include <algorithm>

#include "daemon/engine/docker/docker_time.hpp"

namespace scheduler {
namespace {

constexpr char stream_error = 3;  // stdcopy.Systemerr: the engine's own words in place of output
constexpr std::size_t engine_error_bytes_max = 4096;

std::uint32_t big_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (char c : bytes)
        value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

/// Takes the time and its blank off the front. A payload without them stays whole, at the zero
/// time.
NanoPoint take_time(std::string_view& payload) {
    constexpr std::size_t time_bytes_max = 40;
    auto blank = payload.substr(0, time_bytes_max).find(' ');
    if (blank == std::string_view::npos) return {};
    auto at = parse_engine_nanos(payload.substr(0, blank));
    if (!at) return {};
    payload.remove_prefix(blank + 1);
    return *at;
}

}  // namespace

LogFrameParser::Outcome LogFrameParser::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t wanted = frame_ ? std::min(frame_->bytes_left, piece_bytes_max) : header_bytes;
        bool is_split = !buffer_.empty() || bytes.size() < wanted;
        std::string_view unit = bytes.substr(0, wanted - buffer_.size());
        bytes.remove_prefix(unit.size());
        if (is_split) {
            buffer_ += unit;
            if (buffer_.size() < wanted) return Outcome::more;
            unit = buffer_;
        }
        auto outcome = frame_ ? emit(unit) : read_header(unit);
        if (is_split) buffer_.clear();
        if (outcome != Outcome::more) return outcome;
    }
    return Outcome::more;
}

LogFrameParser::Outcome LogFrameParser::read_header(std::string_view header) {
    char stream = header[0];
    if (stream < 0 || stream > stream_error ||
        header.substr(1, 3) != std::string_view("\0\0\0", 3)) {
        error_ =
            "the engine sent output in a form that is not known (the container may have a "
            "terminal)";
        return Outcome::broken;
    }
    Frame frame;
    frame.stream = stream == 2 ? LogStream::err : LogStream::out;
    frame.is_engine_error = stream == stream_error;
    frame.bytes_left = big_endian(header.substr(4));
    if (frame.bytes_left > 0) frame_ = frame;
    return Outcome::more;
}

LogFrameParser::Outcome LogFrameParser::emit(std::string_view piece) {
    if (frame_->is_engine_error) {
        error_ = piece.substr(0, engine_error_bytes_max);
        return Outcome::broken;
    }
    frame_->bytes_left -= piece.size();
    if (!frame_->at) frame_->at = take_time(piece);
    LogFrame frame{frame_->stream, *frame_->at, piece};
    if (frame_->bytes_left == 0) frame_.reset();
    return sink_(frame) ? Outcome::more : Outcome::stopped;
}

}  // namespace scheduler
