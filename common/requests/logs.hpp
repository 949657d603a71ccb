#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/fields.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"

namespace scheduler {

enum class LogStream : std::uint8_t { out = 1, err = 2 };
inline constexpr std::array log_streams{LogStream::out, LogStream::err};
std::string_view to_string(LogStream stream);
/// Errors: bad_field. The words are stdout and stderr.
Result<LogStream> parse_log_stream(std::string_view word);
template <>
struct TextTraits<LogStream> : WordTraits<LogStream, parse_log_stream> {};

/// Bytes that are base64 in JSON (RFC 4648 section 4), so that any output passes unharmed.
struct Base64Bytes {
    std::string bytes;
    static Result<Base64Bytes> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Base64Bytes&) const = default;
};

/// A piece of a job's output.
struct LogChunk {
    LogStream stream = LogStream::out;
    std::optional<Instant> at;  ///< when the engine got the first of it
    Base64Bytes data;
    std::optional<std::string> place;  ///< where it ends, to resume from
    static void fields(auto& self, auto& visit) {
        visit("stream", self.stream, "stdout or stderr");
        visit("at", self.at, "when the engine got the first of it");
        visit("data", self.data, "base64");
        visit("place", self.place, "where it ends: what `after` takes");
    }
};

/// Streams a job's output: what there is, and with `follow` what comes until the job ends.
/// Errors: job_not_found, bad_field, bad_date, gone.
struct LogsRequest {
    using Item = LogChunk;
    static constexpr std::string_view method = "logs";

    JobRef job_id;
    bool follow = false;
    std::optional<std::int64_t> tail;
    std::optional<std::string> since;
    bool timestamps = false;
    std::optional<LogStream> stream;
    std::optional<std::int64_t> attempt;
    std::optional<std::string> after;

    static void fields(auto& self, auto& visit) {
        visit("job_id", self.job_id, "the job");
        visit("follow", self.follow, "wait for the start, and end with the job");
        visit("tail", self.tail, "only the last lines");
        visit("since", self.since, "only what came at this date or later");
        visit("timestamps", self.timestamps, "an RFC 3339 time before each line");
        visit("stream", self.stream, "only stdout or only stderr");
        visit("attempt",
              self.attempt,
              "of this attempt alone; else of the newest, and with follow of those that come");
        visit("after", self.after, "only what lies behind this place, that of an earlier item");
    }
};

}  // namespace scheduler
