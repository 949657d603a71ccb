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

/// Leaves out what lies before a place. What the engine's clock says twice, since it was set back
/// before that place, may be told again; nothing is left out that was not told.
class ResumingReader final : public SpoolReader {
  public:
    /// `lines` learns how what was left out ended.
    ResumingReader(std::unique_ptr<SpoolReader> reader, LogPlace after, LineStarts& lines)
        : reader_(std::move(reader)), after_(after), lines_(lines) {}

    Result<std::optional<SpoolRecord>> next() override;

  private:
    void drop_known(SpoolRecord& record);

    std::unique_ptr<SpoolReader> reader_;
    const LogPlace after_;
    LineStarts& lines_;
    std::uint64_t counted_ = 0;  ///< bytes of the place's time
    bool has_met_ = false;       ///< the place's time was there
    bool is_past_ = false;
    std::optional<SpoolRecord> gap_;   ///< met before the place
    std::optional<SpoolRecord> held_;  ///< comes next
};

}  // namespace scheduler
