/// logs: a job's output as a stream of chunks, from the spool, while it grows and after the end.

#include <algorithm>
#include <atomic>
#include <charconv>

#include <fmt/format.h>

#include "common/local_time.hpp"
#include "daemon/service/audit.hpp"
#include "daemon/service/log_resume.hpp"
#include "daemon/service/service_parts.hpp"
#include "daemon/service/tail_stream.hpp"

namespace scheduler {
namespace {

using namespace std::chrono_literals;

/// How long the spool may catch up with what the engine holds. With an engine that hangs, what the
/// spool has is what there is to show.
constexpr Duration catch_up_max = 1s;
/// Of output in one item; a longer piece is one item all the same.
constexpr std::size_t chunk_bytes = std::size_t{16} * 1024;

/// What of the output is wanted.
struct Selection {
    JobId job;
    int attempt = 1;
    bool is_one_attempt = false;  ///< else a follower goes on with the next one
    bool follow = false;
    bool timestamps = false;
    std::optional<LogStream> stream;
    std::optional<TimePoint> since;
    std::optional<std::uint64_t> tail;  ///< lines
    std::optional<LogPlace> after;

    [[nodiscard]] bool wants(const SpoolRecord& record) const {
        if (!record.stream) return !stream || stream == LogStream::err;  // a gap is told on stderr
        if (stream && *record.stream != *stream) return false;
        return !since ||
               record.at_ns >= std::chrono::nanoseconds(since->time_since_epoch()).count();
    }
};

/// `2027-06-20T19:00:00.123456789Z `, as docker writes it before a line.
std::string stamp(std::int64_t at_ns) {
    std::string text =
        to_rfc3339(TimePoint(std::chrono::floor<Duration>(std::chrono::nanoseconds(at_ns))));
    text.pop_back();
    return fmt::format("{}{:06}Z ", text, at_ns % 1'000'000);
}

/// Lines of what there is now; a piece without a newline at the very end counts as one.
Result<std::uint64_t> count_lines(SpoolReader& reader, const Selection& selection) {
    std::uint64_t lines = 0;
    bool in_line = false;
    for (;;) {
        auto record = reader.next();
        if (!record) return fail(record.error());
        if (!*record) return lines + (in_line ? 1 : 0);
        if (!selection.wants(**record)) continue;
        const std::string& bytes = (*record)->bytes;
        lines += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
        if (!bytes.empty()) in_line = bytes.back() != '\n';
        if ((*record)->stream) continue;
        // A gap is told in a line of its own, and ends the one before.
        lines += in_line ? 2 : 1;
        in_line = false;
    }
}

/// A place in the output of an attempt: `2:1764040611218000000.12`; of the first one without its
/// number.
std::string place_text(int attempt, const LogPlace& place) {
    return attempt == 1 ? place.to_string() : fmt::format("{}:{}", attempt, place.to_string());
}

/// A job's output from the spool, once what it printed so far is there (`is_ready`).
class LogSource final : public TailSource<LogChunk> {
  public:
    LogSource(Store& store,
              Spool& spool,
              Selection selection,
              std::shared_ptr<const std::atomic<bool>> is_ready)
        : store_(store), spool_(spool), selection_(selection), is_ready_(std::move(is_ready)) {}

    Result<Produced<LogChunk>> produce() override {
        if (!reader_) {
            if (!*is_ready_) return Produced<LogChunk>{};
            if (auto opened = open(); !opened) return fail(opened.error());
        }
        auto chunk = next_chunk();
        if (!chunk) return fail(chunk.error());
        if (*chunk) return Produced<LogChunk>{std::move(*chunk), false};
        if (!selection_.follow) return Produced<LogChunk>{std::nullopt, true};
        // The job may end between the read above and this look: then what it left is read once
        // more.
        auto job = store_.find(JobRef{selection_.job.to_string()}, "");
        // It ended, and was removed from history meanwhile.
        if (!job && job.error().code == ErrorCode::job_not_found)
            return Produced<LogChunk>{std::nullopt, true};
        if (!job) return fail(job.error());
        if (!has_attempt_ended(*job, selection_.attempt)) return Produced<LogChunk>{};
        if (!was_read_whole_) {
            was_read_whole_ = true;
            return produce();
        }
        if (!selection_.is_one_attempt && job->attempt > selection_.attempt) {
            begin_next_attempt();
            return produce();
        }
        bool is_end = selection_.is_one_attempt || has_ended(job->status);
        return Produced<LogChunk>{std::nullopt, is_end};
    }

  private:
    void begin_next_attempt() {
        ++selection_.attempt;
        was_read_whole_ = false;
        lines_to_skip_ = 0;
        place_ = LogPlace();
        line_starts_ = LineStarts();
        reader_ = open_reader();
    }

    Result<Done> open() {
        if (selection_.tail) {
            auto lines = count_lines(*open_reader(), selection_);
            if (!lines) return fail(lines.error());
            lines_to_skip_ = *lines > *selection_.tail ? *lines - *selection_.tail : 0;
        }
        reader_ = open_reader();
        if (selection_.after) {
            place_ = *selection_.after;
            auto is_held = holds_place(*open_reader(), place_);
            if (!is_held) return fail(is_held.error());
            reader_ = std::make_unique<ResumingReader>(
                std::move(reader_), place_, *is_held, line_starts_);
        }
        return Done{};
    }
    [[nodiscard]] std::unique_ptr<SpoolReader> open_reader() const {
        return spool_.open_reader(selection_.job, selection_.attempt);
    }

    /// Adjacent pieces of one stream, which are often a line each: one item for each line would
    /// cost clients and us ten times as much as its bytes.
    Result<std::optional<LogChunk>> next_chunk() {
        auto chunk = std::exchange(ahead_, std::nullopt);
        while (!chunk || chunk->data.bytes.size() < chunk_bytes) {
            auto record = reader_->next();
            if (!record) return fail(record.error());
            if (!*record) break;
            place_.go_past(**record);
            if (!selection_.wants(**record)) continue;
            LogChunk piece = chunk_of(std::move(**record));
            if (piece.data.bytes.empty()) continue;
            if (!chunk) {
                chunk = std::move(piece);
            } else if (chunk->stream == piece.stream) {
                chunk->data.bytes += piece.data.bytes;
                chunk->place = std::move(piece.place);
            } else {
                ahead_ = std::move(piece);
                break;
            }
        }
        return chunk;
    }

    LogChunk chunk_of(SpoolRecord record) {
        LogChunk chunk;
        chunk.place = place_text(selection_.attempt, place_);
        chunk.stream = record.stream.value_or(LogStream::err);
        chunk.at = Instant{
            TimePoint(std::chrono::floor<Duration>(std::chrono::nanoseconds(record.at_ns)))};
        bool ends_line = !record.stream && in_line_;
        std::string bytes =
            record.stream
                ? std::move(record.bytes)
                : fmt::format(
                      "{}[schedulerd: {}{} bytes of output are missing here: over the log limit]\n",
                      ends_line ? "\n" : "",
                      record.may_be_more ? "at least " : "",
                      record.missing);
        if (!bytes.empty()) in_line_ = bytes.back() != '\n';
        chunk.data.bytes = selected_lines(std::move(bytes));
        // The line that a gap ends has its time already, unless it was left out.
        if (!record.stream) line_starts_.err = chunk.data.bytes.rfind('\n', 0) != 0;
        if (selection_.timestamps)
            chunk.data.bytes = stamped(chunk.data.bytes, chunk.stream, record.at_ns);
        if (!record.stream) line_starts_.out = true;
        return chunk;
    }

    /// Drops lines until `tail` is reached.
    std::string selected_lines(std::string bytes) {
        std::size_t begin = 0;
        while (lines_to_skip_ > 0 && begin < bytes.size()) {
            auto newline = bytes.find('\n', begin);
            if (newline == std::string::npos) return "";
            begin = newline + 1;
            --lines_to_skip_;
        }
        return begin == 0 ? std::move(bytes) : bytes.substr(begin);
    }

    std::string stamped(const std::string& bytes, LogStream stream, std::int64_t at_ns) {
        bool& at_line_start = line_starts_.of(stream);
        std::string result;
        for (std::size_t begin = 0; begin < bytes.size();) {
            auto newline = bytes.find('\n', begin);
            std::size_t end = newline == std::string::npos ? bytes.size() : newline + 1;
            if (at_line_start) result += stamp(at_ns);
            result.append(bytes, begin, end - begin);
            at_line_start = newline != std::string::npos;
            begin = end;
        }
        return result;
    }

    Store& store_;
    Spool& spool_;
    Selection selection_;
    std::shared_ptr<const std::atomic<bool>> is_ready_;
    std::unique_ptr<SpoolReader> reader_;  ///< none before the first read
    std::optional<LogChunk> ahead_;        ///< read already, of the other stream
    std::uint64_t lines_to_skip_ = 0;
    bool was_read_whole_ = false;  ///< the attempt, after it was over
    bool in_line_ = false;         ///< what came last, of either stream, did not end its line
    LogPlace place_;               ///< where the last record ended
    LineStarts line_starts_;
};

/// The attempt of a place, and what follows its number.
std::pair<std::int64_t, std::string_view> split_place(std::string_view text) {
    std::int64_t attempt = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), attempt);
    bool has_attempt = error == std::errc() && end != text.data() + text.size() && *end == ':';
    if (!has_attempt) return {1, text};
    return {attempt, text.substr(static_cast<std::size_t>(end + 1 - text.data()))};
}

Result<Selection> select(const LogsRequest& request, const Job& job, TimePoint now) {
    Selection selection;
    selection.job = job.id;
    std::int64_t newest = job.attempt.value_or(1);
    std::int64_t attempt = request.attempt.value_or(newest);
    std::string_view after = request.after ? std::string_view(*request.after) : "";
    if (request.after) {
        auto [attempt_of_place, place] = split_place(after);
        after = place;
        if (request.attempt && attempt_of_place != attempt)
            return fail(
                ErrorCode::bad_field,
                fmt::format("after \"{}\" is a place in attempt {}, and attempt {} is asked "
                            "for; give one of them",
                            request.after->substr(0, 64),
                            attempt_of_place,
                            attempt));
        attempt = attempt_of_place;
    }
    if (attempt < 1 || attempt > newest)
        return fail(ErrorCode::bad_field,
                    fmt::format("attempt {} does not exist; there were {}", attempt, newest));
    if (request.tail && *request.tail < 0)
        return fail(ErrorCode::bad_field,
                    fmt::format("tail must be 0 or more, not {}", *request.tail));
    if (request.since) {
        auto since = parse_past(*request.since, now, "since");
        if (!since) return fail(since.error());
        selection.since = *since;
    }
    if (request.after && request.tail)
        return fail(ErrorCode::bad_field, "after and tail exclude each other: give one of them");
    if (request.after) {
        auto place = LogPlace::parse(after);
        if (!place) return fail(place.error());
        selection.after = *place;
    }
    if (request.tail) selection.tail = static_cast<std::uint64_t>(*request.tail);
    selection.attempt = static_cast<int>(attempt);
    selection.is_one_attempt = request.attempt.has_value();
    selection.follow = request.follow;
    selection.timestamps = request.timestamps;
    selection.stream = request.stream;
    return selection;
}

/// What ran to its end has an output, though it may be empty. It is not there in a copy that was
/// restored without `logs`, or when someone removed it. Errors: gone.
Result<Done> check_output_is_there(Store& store, const Spool& spool, const Selection& selection) {
    auto is_there = [&] {
        return spool.has_final_file(selection.job, selection.attempt) ||
               spool.has_output(selection.job, selection.attempt);
    };
    if (is_there()) return Done{};
    auto record = store.record(selection.job);
    if (!record) return fail(record.error());
    if (!*record) return Done{};
    auto attempts = attempts_with_output(**record);
    bool has_ended =
        std::find(attempts.begin(), attempts.end(), selection.attempt) != attempts.end();
    // An attempt's output is there before its outcome: looked at again, now that this is read.
    if (!has_ended || is_there()) return Done{};
    auto restored = store.meta("restored_at");
    return fail(ErrorCode::gone,
                fmt::format("the output of job {} is not there: {} has no file of its attempt {}{}",
                            selection.job.to_string(),
                            spool.directory().native(),
                            selection.attempt,
                            restored && *restored
                                ? "; this daemon was restored from a backup, and output is not in "
                                  "one: copy the original's logs there"
                                : "; someone removed it, and `schedctl verify` tells what else is "
                                  "missing"));
}

}  // namespace

Result<std::unique_ptr<Stream<LogChunk>>> Service::handle(const LogsRequest& request,
                                                          const Caller& caller) {
    auto job = parts_->store.find(request.job_id, caller.name);
    if (!job) return fail(job.error());
    if (job->output_removed_at)
        return fail(ErrorCode::gone,
                    fmt::format("the output of job {} was removed {} to keep all output within a "
                                "limit (--log-total, or a prune); "
                                "its outcome is kept, see `show`",
                                job->id.to_string(),
                                to_local_date(job->output_removed_at->at)));
    auto selection = select(request, *job, parts_->clock.now());
    if (!selection) return fail(selection.error());
    if (auto there = check_output_is_there(parts_->store, parts_->spool, *selection); !there)
        return fail(there.error());
    auto is_ready =
        std::make_shared<std::atomic<bool>>(has_attempt_ended(*job, selection->attempt));
    auto source = std::make_unique<LogSource>(parts_->store, parts_->spool, *selection, is_ready);
    auto stream = std::make_unique<TailStream<LogChunk>>(std::move(source), parts_->timers);
    if (!*is_ready) {
        auto begin = [is_ready, wake = stream->wake()] {
            *is_ready = true;
            wake();
        };
        parts_->dispatcher.want_output(job->id, begin);
        parts_->timers.post_after(catch_up_max, begin);
    }
    if (request.follow)
        if (auto watched = stream->watch(parts_->events, job->id); !watched)
            return fail(watched.error());
    return std::unique_ptr<Stream<LogChunk>>(std::move(stream));
}

}  // namespace scheduler
