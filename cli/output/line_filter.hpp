#pragma once
/// Output, line by line: only the lines that match, each behind a prefix. Bytes stay as they are,
/// also NUL and what is no text. One thread.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/requests/logs.hpp"

namespace scheduler {

/// An extended regular expression, of bytes, as grep(1) -E has it. Source: <regex.h> of glibc.
class LinePattern {
  public:
    /// Errors: bad_field, in the library's words.
    static Result<LinePattern> parse(const std::string& text);
    /// `line` without its newline.
    [[nodiscard]] bool matches(std::string_view line) const;

  private:
    struct Compiled;
    explicit LinePattern(std::shared_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<Compiled> compiled_;
};

class LineFilter {
  public:
    /// A longer line is looked at in pieces of this size.
    static constexpr std::size_t line_bytes_max = std::size_t{1} << 20U;
    /// Gets each line that is left, with its newline; one that the output ends without gets one.
    using Sink = std::function<void(LogStream, std::string)>;

    /// `has_times`: a line's first word is not of the output, and matches nothing.
    LineFilter(std::optional<LinePattern> pattern, bool has_times, std::string prefix, Sink sink)
        : pattern_(std::move(pattern)),
          has_times_(has_times),
          prefix_(std::move(prefix)),
          sink_(std::move(sink)) {}

    void add(LogStream stream, std::string_view bytes);
    /// The output of an attempt has ended.
    void finish();
    [[nodiscard]] bool has_any() const { return has_any_; }

  private:
    void give_open(LogStream stream);
    std::string& open_line(LogStream stream) { return open_.at(stream == LogStream::out ? 0 : 1); }

    std::optional<LinePattern> pattern_;
    bool has_times_;
    std::string prefix_;
    Sink sink_;
    std::array<std::string, 2> open_;  ///< what came of a line so far
    bool has_any_ = false;
};

}  // namespace scheduler
