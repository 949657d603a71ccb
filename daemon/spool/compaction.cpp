#include "daemon/spool/compaction.hpp"

#include <algorithm>
#include <string>

#include "daemon/spool/file.hpp"
#include "daemon/spool/record.hpp"

namespace scheduler {
namespace {

/// Writes records through a buffer.
class RecordSink {
  public:
    RecordSink(int fd, const std::filesystem::path& path) : fd_(fd), path_(path) {}

    Result<Done> put(const SpoolRecord& record, std::string_view bytes) {
        if (bytes.empty()) return Done{};
        encode_record(buffer_, *record.stream, record.at_ns, bytes);
        return buffer_.size() < buffer_bytes ? Result<Done>(Done{}) : flush();
    }
    void put_gap(std::int64_t at_ns, std::uint64_t missing, bool may_be_more) {
        encode_gap(buffer_, at_ns, missing, may_be_more);
    }
    Result<Done> flush() {
        auto written = spool_file::write_all(fd_, path_, buffer_);
        file_bytes_ += buffer_.size();
        buffer_.clear();
        return written;
    }
    [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

  private:
    static constexpr std::size_t buffer_bytes = std::size_t{256} * 1024;

    int fd_;
    const std::filesystem::path& path_;
    std::string buffer_;
    std::uint64_t file_bytes_ = 0;
};

/// What is left out: places in the output that the file holds, the old gap not counted.
struct Cut {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    /// The new gap is where the old one was, or around it, so that there is never more than one.
    static Cut of(const SpoolSummary& summary, std::uint64_t bytes_max) {
        std::uint64_t head = std::min({summary.head_bytes, Spool::head_bytes, bytes_max / 2});
        std::uint64_t excess = summary.bytes_kept > bytes_max ? summary.bytes_kept - bytes_max : 0;
        std::uint64_t end = head + excess;
        if (summary.has_gap) end = std::max(end, summary.head_bytes);
        return {head, end};
    }
    [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

}  // namespace

Result<SpoolSummary> summarize(int fd, const std::filesystem::path& path) {
    SpoolSummary summary;
    RecordCursor cursor(fd, path);
    SpoolRecord record;
    for (;;) {
        auto state = cursor.next(record);
        if (!state) return fail(state.error());
        if (*state != RecordCursor::State::record) break;
        summary.last_at_ns = std::max(summary.last_at_ns, record.at_ns);
        if (record.stream) {
            summary.bytes_kept += record.bytes.size();
        } else {
            summary.bytes_missing += record.missing;
            summary.may_miss_more = summary.may_miss_more || record.may_be_more;
            summary.has_gap = true;
            summary.head_bytes = summary.bytes_kept;
        }
    }
    if (!summary.has_gap) summary.head_bytes = summary.bytes_kept;
    summary.file_bytes = cursor.offset();
    return summary;
}

Result<SpoolSummary> compact(int from,
                             const SpoolSummary& summary,
                             std::uint64_t bytes_max,
                             int to,
                             const std::filesystem::path& to_path) {
    const Cut cut = Cut::of(summary, bytes_max);
    const std::uint64_t missing = summary.bytes_missing + cut.size();
    RecordCursor cursor(from, to_path);
    RecordSink sink(to, to_path);
    const bool needs_gap = missing > 0 || summary.has_gap;
    bool has_gap = !needs_gap;
    std::uint64_t place = 0;
    SpoolRecord record;
    while (cursor.offset() < summary.file_bytes) {
        auto state = cursor.next(record);
        if (!state) return fail(state.error());
        if (*state != RecordCursor::State::record) break;
        if (!record.stream) continue;
        std::string_view bytes = record.bytes;
        auto within = [&](std::uint64_t at) {
            return static_cast<std::size_t>(std::clamp(at, place, place + bytes.size()) - place);
        };
        if (auto put = sink.put(record, bytes.substr(0, within(cut.begin))); !put)
            return fail(put.error());
        if (!has_gap && place + bytes.size() > cut.begin) {
            sink.put_gap(record.at_ns, missing, summary.may_miss_more);
            has_gap = true;
        }
        if (auto put = sink.put(record, bytes.substr(std::max(within(cut.end), within(cut.begin))));
            !put)
            return fail(put.error());
        place += bytes.size();
    }
    if (!has_gap) sink.put_gap(record.at_ns, missing, summary.may_miss_more);
    if (auto flushed = sink.flush(); !flushed) return fail(flushed.error());
    SpoolSummary result;
    result.bytes_kept = summary.bytes_kept - cut.size();
    result.bytes_missing = missing;
    result.head_bytes = needs_gap ? cut.begin : result.bytes_kept;
    result.has_gap = needs_gap;
    result.may_miss_more = summary.may_miss_more;
    result.last_at_ns = summary.last_at_ns;
    result.file_bytes = sink.file_bytes();
    return result;
}

}  // namespace scheduler
