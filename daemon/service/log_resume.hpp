#pragma once
/// Reading a job's output on from where an earlier reading broke off, maybe in another copy of it:
/// one that was compacted, or that was begun anew from what the engine still had. So a place is not
/// a number of bytes, but a time as the engine stamped it, and the bytes of that time before it.
/// One thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/spool/spool.hpp"

namespace scheduler {

struct LogPlace {
    std::int64_t at_ns = 0;
    std::uint64_t bytes = 0;  ///< with this time, of both streams

    /// `1764040611218000000.12`. Errors: bad_field.
    static Result<LogPlace> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    /// Behind this record. A gap has no bytes, and leaves it where it is.
    void go_past(const SpoolRecord& record);
};

/// Whether the next byte of a stream begins a line.
struct LineStarts {
    bool out = true;
    bool err = true;
    bool& of(LogStream stream) { return stream == LogStream::out ? out : err; }
};

/// Whether a copy of the output has a piece of the place's time.
Result<bool> holds_place(SpoolReader& reader, const LogPlace& place);

/// Leaves out what lies before a place. Where the copy holds it, that is what stands before it: the
/// times of the two streams may cross, since the engine reads them apart, and the clock may be set
/// back. Else it is what is older; then some of it may be told again, but nothing is left out that
/// was not told.
class ResumingReader final : public SpoolReader {
  public:
    /// `is_held`: what holds_place says of the same copy. `lines` learns how what was left out
    /// ended.
    ResumingReader(std::unique_ptr<SpoolReader> reader,
                   LogPlace after,
                   bool is_held,
                   LineStarts& lines)
        : reader_(std::move(reader)), after_(after), is_held_(is_held), lines_(lines) {}

    Result<std::optional<SpoolRecord>> next() override;

  private:
    void drop_known(SpoolRecord& record);

    std::unique_ptr<SpoolReader> reader_;
    const LogPlace after_;
    const bool is_held_;
    LineStarts& lines_;
    std::uint64_t counted_ = 0;  ///< bytes of the place's time
    bool has_met_ = false;       ///< the place's time was there
    bool is_past_ = false;
    std::optional<SpoolRecord> gap_;   ///< met before the place
    std::optional<SpoolRecord> held_;  ///< comes next
};

}  // namespace scheduler
