#include "daemon/socket/line_splitter.hpp"

#include <utility>

namespace scheduler {

void LineSplitter::feed(std::string_view piece) {
    searched_ -= taken_;
    buffer_.erase(0, std::exchange(taken_, 0));
    buffer_.append(piece);
}

std::optional<std::string_view> LineSplitter::next() {
    if (is_overlong_) return std::nullopt;
    auto newline = buffer_.find('\n', searched_);
    bool is_whole = newline != std::string::npos;
    std::size_t end = is_whole ? newline : buffer_.size();
    searched_ = end;
    if (end - taken_ > line_bytes_max_) {
        is_overlong_ = true;
        return std::nullopt;
    }
    if (!is_whole) return std::nullopt;
    auto line = std::string_view(buffer_).substr(taken_, end - taken_);
    taken_ = searched_ = end + 1;
    return line;
}

}  // namespace scheduler
