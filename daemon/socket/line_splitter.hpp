#pragma once
/// LineSplitter makes lines of bytes as they come, whatever their pieces. Holds one line at most,
/// besides the piece that was fed last. Lives where its connection does.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace scheduler {

class LineSplitter {
  public:
    explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

    /// Not before `next` gave nothing.
    void feed(std::string_view piece);
    /// The next whole line without its newline; valid until `feed`. Nothing after a line that is
    /// too long.
    std::optional<std::string_view> next();
    /// A line has more than line_bytes_max bytes.
    [[nodiscard]] bool is_overlong() const { return is_overlong_; }
    /// What came after the last newline.
    [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(taken_); }

  private:
    std::size_t line_bytes_max_;
    std::string buffer_;
    std::size_t taken_ = 0;     ///< of the buffer: given out as lines
    std::size_t searched_ = 0;  ///< of the buffer: up to here no newline follows taken_
    bool is_overlong_ = false;
};

}  // namespace scheduler
